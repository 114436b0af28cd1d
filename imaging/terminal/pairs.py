"""Which reference belongs to which image: the one with the same stem."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from imaging.terminal.inputs import clean_path, images_under, stem


@dataclass(frozen=True, slots=True)
class Pairs:
    """Images with their references, and the files that stand alone. `root` holds the images."""

    root: Path
    pairs: tuple[tuple[Path, Path], ...]
    images_alone: tuple[Path, ...]
    references_alone: tuple[Path, ...]

    def sha256(self) -> str:
        """Hash all that is compared, so that two tables can be told to be of the same data."""
        whole = hashlib.sha256()
        for path in (path for pair in self.pairs for path in pair):
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        return whole.hexdigest()


def pairs_by_stem(images: Path, references: Path) -> Pairs:
    """Match the files of two folders by stem.

    Raises: ValueError when two files of one folder share a stem: which one is meant is unknown.
    """
    left, right = _by_stem(images), _by_stem(references)
    both = [name for name in left if name in right]
    return Pairs(
        root=images if images.is_dir() else images.parent,
        pairs=tuple((left[name], right[name]) for name in both),
        images_alone=tuple(path for name, path in left.items() if name not in right),
        references_alone=tuple(path for name, path in right.items() if name not in left),
    )


def _by_stem(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in images_under([folder])[0]:
        name = stem(path)
        if name in found:
            raise ValueError(
                f"{clean_path(found[name])} and {clean_path(path)} have the same stem."
            )
        found[name] = path
    return found
