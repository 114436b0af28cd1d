"""An engine child with misbehaving operations, for the tests of the client."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import time

PROTOCOL = os.dup(1)  # the line to the parent, which an honest operation never touches

from imaging.engine.child import _parser, run  # noqa: E402
from imaging.engine.limits import Limits, decode_limits  # noqa: E402
from imaging.types import InferenceError, Refused  # noqa: E402


def echo(args, progress):
    return dict(args)


def steps(args, progress):
    for done in range(args["count"]):
        progress("member", done, args["count"])
    return {}


def sleep(args, progress):
    time.sleep(args["seconds"])
    return {}


def die(args, progress):
    print("Patient: Doe^Jane", file=sys.stderr, flush=True)
    os._exit(3)


def crash(args, progress):
    print("Patient: Doe^Jane", file=sys.stderr, flush=True)
    ctypes.string_at(0)


def shout(args, progress):
    for _ in range(args["lines"]):
        print("x" * 99)
        print("y" * 99, file=sys.stderr)
    os.write(1, b'{"type":"answer","id":1,"value":{"forged":true}}\n')
    return {"read": len(sys.stdin.read())}


def hog(args, progress):
    return {"bytes": len(bytearray(args["mib"] << 20))}


def keep(args, progress):
    held.append(os.urandom(args["mib"] << 20))
    return {}


def refuse(args, progress):
    raise Refused("odd", "That is odd. Send another.")


def fail(args, progress):
    raise InferenceError("Model “a” does not fit.")


def stumble(args, progress):
    raise KeyError("Doe^Jane")


def fill(args, progress):
    with open(os.path.join(args["folder"], "big"), "wb") as file:
        file.truncate(args["mib"] << 20)
    return {}


def burn(args, progress):
    while True:
        pass


def lie(args, progress):
    os.write(PROTOCOL, args["line"].encode() + b"\n")
    time.sleep(30)
    return {}


def ramble(args, progress):
    while True:
        os.write(PROTOCOL, b"x" * 65536)


def not_json(args, progress):
    return {"value": float("nan")}


def surroundings(args, progress):
    return {
        "environment": dict(os.environ),
        "handles": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "session": os.getsid(0) == os.getpid(),
        "status": open("/proc/self/status").read(),
        "folder": os.getcwd(),
        "interfaces": open("/proc/self/net/dev").read(),
    }


held: list[bytes] = []
_CALM = (echo, steps, sleep, keep, refuse, fail, surroundings)
_WILD = (die, crash, shout, hog, stumble, fill, burn, lie, ramble, not_json)
OPS = {op.__name__: op for op in (*_CALM, *_WILD)}

if __name__ == "__main__":
    options = _parser().parse_args()
    caps = decode_limits() if options.decode else Limits(address_space=None, file_size=1 << 20)
    run("decode" if options.decode else "infer", caps, options, OPS)
