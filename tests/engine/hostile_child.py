"""A model that does run code: it reaches for everything that a child must never reach."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from pathlib import Path

from imaging.engine.child import _parser, run
from imaging.engine.limits import decode_limits, infer_limits


def reach(args, progress):
    """Try each of the attempts; answer what each brought home, as text."""
    return {name: _try(attempt, args) for name, attempt in ATTEMPTS.items()}


def _try(attempt, args) -> str:
    try:
        return str(attempt(args))[:2000]
    except Exception as error:
        return f"refused: {type(error).__name__}"


def _dial(args) -> str:
    with socket.create_connection(("127.0.0.1", args["port"]), timeout=2) as line:
        line.sendall(b"here I am")
        return args["canary"]


def _dial_local(args) -> str:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(args["unix"])
        line.sendall(b"here I am")
        return args["canary"]


def _environment(args) -> str:
    return str(dict(os.environ)) + _text("/proc/self/environ")


def _parent_environment(args) -> str:
    return _text(f"/proc/{args['parent']}/environ")


def _parent_memory(args) -> str:
    """Search the parent's heap, as a debugger would."""
    found = ""
    for line in Path(f"/proc/{args['parent']}/maps").read_text().splitlines():
        if "[heap]" in line:
            start, end = (int(one, 16) for one in line.split()[0].split("-"))
            with open(f"/proc/{args['parent']}/mem", "rb") as memory:
                memory.seek(start)
                found += memory.read(end - start).decode("latin-1")
    return args["canary"] if args["canary"] in found else "heap read"


def _parent_memory_by_call(args) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 8)
    remote = (ctypes.c_uint64 * 2)(args["address"], 8)
    read = libc.process_vm_readv(args["parent"], local, 1, remote, 1, 0)
    if read < 0:
        raise OSError(ctypes.get_errno(), "process_vm_readv")
    return args["canary"]


def _run_a_program(args) -> str:
    return subprocess.run(["/bin/cat", args["owner_only"]], capture_output=True, text=True).stdout


def _write_outside(args) -> str:
    Path(args["target"]).write_text("here I was")
    return args["canary"]


def _signal(args) -> str:
    os.kill(args["bystander"], 9)
    return args["canary"]


def _text(path: str) -> str:
    return Path(path).read_bytes().decode("utf-8", "replace")


ATTEMPTS = {
    "network": _dial,
    "local socket": _dial_local,
    "own environment": _environment,
    "parent's environment": _parent_environment,
    "parent's memory": _parent_memory,
    "parent's memory by a call": _parent_memory_by_call,
    "database": lambda args: _text(args["database"]),
    "settings": lambda args: _text(args["dotenv"]),
    "owner-only file": lambda args: _text(args["owner_only"]),
    "vault of media": lambda args: _text(args["media"]),
    "another job's scratch": lambda args: _text(args["other_scratch"]),
    "another program": _run_a_program,
    "a file outside": _write_outside,
    "a process outside": _signal,
}
OPS = {"reach": reach}

if __name__ == "__main__":
    options = _parser().parse_args(sys.argv[1:])
    limits = decode_limits() if options.decode else infer_limits(options.memory_mb)
    run("decode" if options.decode else "infer", limits, options, OPS)
