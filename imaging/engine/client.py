"""The parent's handle on an engine child: start it, ask it, end it."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from imaging.engine.answers import BadAnswer, check_answer, check_progress
from imaging.engine.errors import EngineDied, EngineError, EngineFailed, EngineTimeout
from imaging.engine.pipe import DeadlinePassed, HungUp, Pipe
from imaging.engine.protocol import Message, ProtocolError, decode, encode
from imaging.engine.scratch import scratch_folder, scratch_sweep, yard_of, yards
from imaging.engine.sentences import DEATH, TIMEOUT, error_of, safe_words
from imaging.engine.spawning import spawn

__all__ = ["Engine", "EngineDied", "EngineError", "EngineFailed", "EngineTimeout"]
__all__ += ["convert_engine", "decode_engine", "infer_engine"]

logger = logging.getLogger(__name__)
_HELLO_TIMEOUT_S = 60.0
MEMORY_MB = 2000  # of the infer child; the decode child is capped by its address space alone
Progress = Callable[[str, int, int], None]


class Engine:
    """One child, started by the first call and started anew after it died.

    mode        "decode", "infer" or "convert".
    memory_mb   between calls a child that holds more than this is replaced.
    reach       folders beside this process's yard that the child may write to.

    One caller at a time: `call` holds a lock. `kill` may come from any thread.
    """

    def __init__(
        self,
        mode: str,
        *,
        memory_mb: int = MEMORY_MB,
        module: str = "imaging.engine.child",
        reach: Iterable[Path] = (),
    ) -> None:
        self.mode = mode
        self.memory_mb = memory_mb
        self.starts = 0
        self.hello: Message = {}
        self._module = module
        self._read: set[Path] = set()
        self._write: set[Path] = set(reach)
        self._lock = threading.RLock()
        self._process: subprocess.Popen | None = None
        self._pipe: Pipe | None = None
        self._home = contextlib.ExitStack()
        self._calls = 0
        self._owner = os.getpid()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def rss_mb(self) -> float:
        """Memory that only the child holds, in MiB; 0 when there is none."""
        if not self.is_alive:
            return 0.0
        process = psutil.Process(self._process.pid)
        try:
            return process.memory_full_info().uss / 2**20
        except psutil.AccessDenied:
            return process.memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            return 0.0

    def start(self) -> None:
        """Start the child and wait for its greeting. Nothing happens when it is alive."""
        with self._lock:
            if self.is_alive:
                return
            self.close()
            home = self._home.enter_context(scratch_folder())
            options = [f"--{self.mode}", "--memory-mb", str(self.memory_mb)]
            options += [f"--read={path}" for path in sorted(self._read)]
            options += [f"--write={path}" for path in sorted({*yards(), *self._write})]
            self._process = spawn(self._module, options, home=home)
            self._pipe = Pipe(self._process)
            self.starts += 1
            self.hello = self._await_hello()

    def call(
        self,
        op: str,
        *,
        timeout_s: float,
        on_progress: Progress | None = None,
        on_wait: Callable[[], None] | None = None,
        trace: str = "-",
        **args: Any,
    ) -> dict[str, Any]:
        """Run one operation in the child and return its checked answer.

        on_progress(stage, done, total) hears what the child reports; on_wait() is called about
        every second of silence. When either raises, the child is ended and the error passed on.
        `trace` is the request that asks: the child names it in its log and its answer.

        Raises: Refused, InferenceError; EngineDied, EngineTimeout, EngineFailed.
        """
        with self._lock:
            if self._outgrew():
                logger.info("%s engine replaced: it outgrew %d MB", self.mode, self.memory_mb)
                self.close()
            self._stretch(args)
            self.start()
            self._calls += 1
            request = {"id": self._calls, "op": op, "args": args, "timeout_s": timeout_s}
            line = encode(request | {"asked_by": trace})
            deadline = time.monotonic() + timeout_s
            with self._ended_on_error():
                self._pipe.send(line, deadline)
                message = self._await_result(deadline, on_progress, on_wait)
                if message.get("type") == "answer":
                    return check_answer(op, message.get("value"), args)
            if message.get("kind") == "memory":
                self.close()  # what filled it may still lie there
            raise error_of(message, self.mode)

    def _stretch(self, args: Mapping[str, Any]) -> None:
        """Let the child enter the folders that `args` name: one that may not is replaced.

        Those of a job lie in this process's yard and the models in one folder, so that a
        worker's child is never replaced for this.
        """
        written = {yard_of(Path(args["out_dir"]))} if "out_dir" in args else set()
        named = [Path(args[name]).parent for name in ("path", "pixels") if name in args]
        named += [Path(args[name]) for name in ("models_dir", "store_dir") if args.get(name)]
        read, known = {yard_of(one) for one in named}, {*yards(), *self._write}
        if not all(_is_within(one, known) for one in written):
            self._write |= written
            self.close()
        if not all(_is_within(one, known | self._read | written) for one in read):
            self._read |= read
            self.close()

    def kill(self) -> None:
        """End the child and all it started, now."""
        process = self._process
        if process is not None and self._owner == os.getpid() and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the child and remove its folder. Twice does no harm; nor does a fork's call."""
        with self._lock:
            self.kill()
            if self._process is not None and self._owner == os.getpid():
                self._process.wait()
            if self._pipe is not None:
                self._pipe.close()
            self._process = self._pipe = None
            self._home.close()

    def _outgrew(self) -> bool:
        """Whether the child holds more than its cap; shared pages are told apart only if it may."""
        if not self.is_alive:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            resident = psutil.Process(self.pid).memory_info().rss / 2**20
            return resident > self.memory_mb and self.rss_mb() > self.memory_mb
        return False

    def _await_result(
        self, deadline: float, on_progress: Progress | None, on_wait: Callable[[], None] | None
    ) -> Message:
        while True:
            message = decode(self._pipe.receive(deadline, on_wait))
            if message.get("id") != self._calls:
                raise BadAnswer("an answer to another request")
            if message.get("type") != "progress":
                return message
            stage, done, total = check_progress(message)
            if on_progress:
                on_progress(stage, done, total)

    def _await_hello(self) -> Message:
        with self._ended_on_error():
            hello = decode(self._pipe.receive(time.monotonic() + _HELLO_TIMEOUT_S))
            if hello.get("type") != "hello":
                raise BadAnswer("no greeting")
            logger.info(
                "%s engine started: network %s, files %s, system calls %s",
                self.mode,
                "closed" if hello.get("network_isolated") else "OPEN",
                f"held by Landlock {hello['landlock']}" if hello.get("landlock") else "OPEN",
                "filtered" if hello.get("calls_filtered") else "OPEN",
            )
            return hello

    @contextlib.contextmanager
    def _ended_on_error(self) -> Iterator[None]:
        """End the child when the conversation breaks off, and say so in our words."""
        try:
            yield
        except DeadlinePassed:
            self._bury("passed its deadline")
            raise EngineTimeout(TIMEOUT[self.mode]) from None
        except (HungUp, ProtocolError, BadAnswer) as error:
            self._bury(str(error) or "hung up")
            raise EngineDied(DEATH[self.mode]) from None
        except BaseException:
            self.close()
            raise

    def _bury(self, reason: str) -> None:
        """End the child, and log how it ended and its last words."""
        self.kill()
        code = self._process.wait()
        self._pipe.drain()
        words = safe_words(self._pipe.tail) if self.mode == "decode" else self._pipe.tail
        logger.error(
            "%s engine ended (%s, exit %s): %s", self.mode, reason, code, words or "silent"
        )
        self.close()


def _is_within(folder: Path, folders: Iterable[Path]) -> bool:
    return any(folder.is_relative_to(one) for one in folders)


@contextlib.contextmanager
def decode_engine() -> Iterator[Engine]:
    """A decoding child for one Upload; a file that kills it costs the next one only a start."""
    engine = Engine("decode")
    try:
        yield engine
    finally:
        engine.close()


@contextlib.contextmanager
def convert_engine(*, memory_mb: int = MEMORY_MB) -> Iterator[Engine]:
    """A child for one model that nobody trusts yet; it ends with it."""
    engine = Engine("convert", memory_mb=memory_mb)
    try:
        yield engine
    finally:
        engine.close()


_infer: tuple[int, Engine] | None = None
_infer_lock = threading.Lock()


def infer_engine(*, memory_mb: int = MEMORY_MB) -> Engine:
    """This process's one inferring child, which keeps its models loaded from job to job."""
    global _infer
    with _infer_lock:
        # a fork inherits the variable, but the child behind it belongs to the parent
        if _infer is None or _infer[0] != os.getpid():
            scratch_sweep()
            _infer = (os.getpid(), Engine("infer", memory_mb=memory_mb))
            atexit.register(_infer[1].close)
        _infer[1].memory_mb = memory_mb
        return _infer[1]
