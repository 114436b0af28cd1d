"""Which side of the patient each edge of a picture shows, or that nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "S": "I", "I": "S"}
DICOM = {"H": "S", "F": "I"}  # head and foot, as (0020,0020) writes them
LPS = ("LR", "PA", "SI")  # letters towards the plus and the minus end of each patient axis


@dataclass(frozen=True, slots=True)
class Sides:
    """The letter at each edge: left, right, anterior, posterior, superior, inferior."""

    left: str
    right: str
    top: str
    bottom: str


def sides_of(
    affine: Sequence[Sequence[float] | None] | None, patient_orientation: Sequence[str] = ()
) -> Sides | None:
    """Return the letters from the affine (voxel to LPS), else from (0020,0020); None: unknown."""
    if affine is not None:
        along, down = (_towards([row[axis] for row in affine[:3]]) for axis in (0, 1))
    elif len(patient_orientation) == 2:
        along, down = (DICOM.get(text[:1], text[:1]) for text in patient_orientation)
    else:
        return None
    if along not in OPPOSITE or down not in OPPOSITE:
        return None
    return Sides(left=OPPOSITE[along], right=along, top=OPPOSITE[down], bottom=down)


def _towards(direction: Sequence[float]) -> str:
    """The letter of the patient axis that `direction` follows most; "" for no direction."""
    axis = max(range(3), key=lambda index: abs(direction[index]))
    if not direction[axis]:
        return ""
    return LPS[axis][0 if direction[axis] > 0 else 1]
