"""Damage real files by a seed and read them under the decode child's memory cap.

`python -m tests.formats.mutations --count N [--seed S] FILE…` prints one JSON summary. Each file
is damaged N times, with 0 it is read once as it is. What was tried last stands in --trace, so
that a crash can be repeated.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import re
import resource
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from imaging.formats.reading import describe, read
from imaging.formats.thumbnail import make_thumbnail
from imaging.types import Refused

ADDRESS_SPACE = 1536 << 20
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(data: bytes, seed: int) -> bytes:
    """Return `data` with one to six wounds, the same for the same seed."""
    chance = random.Random(seed)
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        # headers are where the lies are: half of the wounds fall into the first 2 KiB
        reach = min(len(damaged), 2048) if chance.random() < 0.5 else len(damaged)
        if reach:
            chance.choice(WOUNDS)(damaged, chance.randrange(reach), chance)
    return bytes(damaged)


def flip_bit(data: bytearray, place: int, chance: random.Random) -> None:
    data[place] ^= 1 << chance.randrange(8)


def set_number(data: bytearray, place: int, chance: random.Random) -> None:
    size = chance.choice((1, 2, 4))
    value = chance.choice(INTERESTING) % (1 << 8 * size)
    new = value.to_bytes(size, chance.choice(("little", "big")))
    data[place : place + size] = new[: len(data) - place]


def cut(data: bytearray, place: int, chance: random.Random) -> None:
    del data[place:]


def remove(data: bytearray, place: int, chance: random.Random) -> None:
    del data[place : place + chance.randint(1, 64)]


def repeat(data: bytearray, place: int, chance: random.Random) -> None:
    data[place:place] = data[place : place + chance.randint(1, 256)] * chance.randint(1, 4)


def insert_noise(data: bytearray, place: int, chance: random.Random) -> None:
    data[place:place] = chance.randbytes(chance.randint(1, 64))


WOUNDS = (flip_bit, flip_bit, set_number, set_number, set_number, cut, remove, repeat, insert_noise)


def try_file(path: Path, name: str) -> str:
    """Return "decoded" or the code of the refusal; anything else is a defect and is raised."""
    try:
        decoded = read(path, name)
    except Refused as refused:
        return refused.code
    describe(decoded)
    make_thumbnail(decoded.volume)
    return "decoded"


def run(files: list[Path], count: int, seed: int, trace: Path | None) -> dict[str, Any]:
    codes: collections.Counter[str] = collections.Counter()
    slow: list[float] = []
    defects: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        for file in files:
            data = file.read_bytes()
            for number in range(seed, seed + max(count, 1)):
                if trace:
                    trace.write_text(f"{file} {number}")
                path.write_bytes(mutate(data, number) if count else data)
                start = time.process_time()
                try:
                    codes[try_file(path, file.name)] += 1
                except Exception:
                    defects.append(f"{file} {number}\n{traceback.format_exc(limit=-6)}")
                slow.append(time.process_time() - start)
    slow.sort()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024  # ru_maxrss counts the parent's
    return {
        "tried": len(slow),
        "codes": dict(codes.most_common()),
        "p99_cpu_s": round(slow[len(slow) * 99 // 100], 3),
        "slowest_cpu_s": round(slow[-1], 3),
        "peak_mb": peak,
        "defects": defects,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.formats.mutations")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trace", type=Path)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    print(json.dumps(run(options.files, options.count, options.seed, options.trace), indent=1))


if __name__ == "__main__":
    main()
