"""The process that decodes or infers: requests on stdin, answers on stdout, nothing else.

`python -m imaging.engine.child (--decode | --infer | --convert) --parent PID`: see client.py.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

from imaging.engine.channel import Channel
from imaging.engine.limits import Limits, Reach, confine, decode_limits, infer_limits
from imaging.engine.serving import Ops, serve


def main(arguments: list[str] | None = None, ops: Ops | None = None) -> None:
    """Serve as the command line says; `ops` stand in for the mode's own (the benchmark's do)."""
    options = _parser().parse_args(arguments)
    if options.decode:
        run("decode", decode_limits(), options, ops)
    else:
        mode = "convert" if options.convert else "infer"
        run(mode, infer_limits(options.memory_mb), options, ops)


def run(mode: str, limits: Limits, options: argparse.Namespace, ops: Ops | None = None) -> None:
    """Confine this process, greet the parent and answer until it hangs up."""
    channel = Channel.claim()
    faulthandler.enable(file=sys.stderr)
    held = confine(limits, options.parent, Reach(tuple(options.read), tuple(options.write)))
    if mode == "decode":
        _be_silent()
    channel.send({"type": "hello", "mode": mode, "pid": os.getpid(), **asdict(held)})
    serve(channel, ops or _ops(mode), mode=mode)


def _ops(mode: str) -> Ops:
    if mode == "decode":
        from imaging.engine.decode_ops import OPS
    elif mode == "convert":
        from imaging.engine.convert_ops import OPS
    else:
        from imaging.engine.infer_ops import OPS
    return OPS


def _be_silent() -> None:
    """Keep decoders from writing what they read: their messages quote the file's header."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imaging.engine.child")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--decode", action="store_true")
    mode.add_argument("--infer", action="store_true")
    mode.add_argument("--convert", action="store_true")
    parser.add_argument("--parent", type=int, required=True, help="ends when this process ends")
    parser.add_argument("--read", type=Path, action="append", default=[], help="may be read")
    parser.add_argument("--write", type=Path, action="append", default=[], help="may be written")
    parser.add_argument("--memory-mb", type=int, default=1200, help="the infer child's cap")
    return parser


if __name__ == "__main__":
    main()
