"""Look through a pickle without running it: opcodes and names against two fixed lists."""

from __future__ import annotations

import _compat_pickle
import io
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path

from imaging.inference.conversion.class_list import ALLOWED
from imaging.inference.errors import ModelFileError

# what torch.save writes and torch's restricted reader understands; no INST, OBJ, EXT, STACK_GLOBAL
_WORDS = """
PROTO STOP MARK GLOBAL NEWOBJ REDUCE BUILD BINPERSID
APPEND APPENDS SETITEM SETITEMS TUPLE TUPLE1 TUPLE2 TUPLE3
NONE NEWFALSE NEWTRUE EMPTY_TUPLE EMPTY_LIST EMPTY_DICT EMPTY_SET
BININT BININT1 BININT2 BINFLOAT BINUNICODE SHORT_BINSTRING LONG1
BINGET LONG_BINGET BINPUT LONG_BINPUT
"""
OPCODES = frozenset(_WORDS.split())
MOST_BYTES = 64 << 20
MOST_STEPS = 5_000_000
MOST_PICKLES = 5  # the old format writes five, one after another
UNREADABLE = "is not a readable PyTorch file."


def names_in(path: Path, owner: str) -> list[str]:
    """Return the dotted names that the file's pickles ask for, all of them allowed.

    Nothing is built or called. Raises ModelFileError naming the first thing that is not allowed.
    """
    found: dict[str, None] = {}
    for data in _pickles(path, owner):
        for name in _walk(data, owner):
            found.setdefault(name)
    return list(found)


def _pickles(path: Path, owner: str) -> Iterator[io.BytesIO]:
    """Yield the streams that hold pickles: one in an archive, else the file from its start."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.filename.lower().endswith(".pkl"):
                    continue
                if entry.file_size > MOST_BYTES:
                    raise ModelFileError(f"{owner}: its pickle has {entry.file_size} bytes.")
                try:
                    yield io.BytesIO(archive.read(entry))
                except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
                    raise ModelFileError(f"{owner} {UNREADABLE}") from None
        return
    with path.open("rb") as file:
        stream = io.BytesIO(file.read(MOST_BYTES))
    size = len(stream.getvalue())
    for _ in range(MOST_PICKLES):
        if stream.tell() >= size:
            return
        yield stream


def _walk(stream: io.BytesIO, owner: str) -> Iterator[str]:
    """Yield the names one pickle asks for; what stands before a break counts as well."""
    is_pickle = stream.getvalue()[stream.tell() : stream.tell() + 1] == b"\x80"
    odd, steps = False, 0
    try:
        for opcode, argument, _place in pickletools.genops(stream):
            steps += 1
            if steps > MOST_STEPS:
                raise ModelFileError(f"{owner}: its pickle takes more than {MOST_STEPS} steps.")
            if opcode.name == "GLOBAL":
                yield _allowed(str(argument), owner)
            elif opcode.name == "INST":
                raise _refusal(owner, str(argument).replace(" ", "."))
            elif opcode.name not in OPCODES:
                if not is_pickle:
                    odd = True  # an old text pickle, or none at all: names are still looked for
                    continue
                raise _refusal(owner, f"pickle opcode {opcode.name}")
        if odd:
            raise ValueError("opcodes that torch never writes")
    except ModelFileError:
        raise
    except (ValueError, EOFError, UnicodeDecodeError, IndexError, MemoryError):
        raise ModelFileError(f"{owner} {UNREADABLE}") from None


def _allowed(argument: str, owner: str) -> str:
    module, _, name = argument.partition(" ")
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
    module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    dotted = f"{module}.{name}"
    if dotted not in ALLOWED:
        raise _refusal(owner, dotted)
    return dotted


def _refusal(owner: str, what: str) -> ModelFileError:
    shown = "".join(c for c in what if c.isprintable())[:120]
    return ModelFileError(
        f"{owner} asks for `{shown}`, which is not allowed. "
        "Nothing was run. Save model.state_dict() or ONNX."
    )
