"""What an ensemble says of one image: maps as arrays, everything else ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All maps are uint8 (Z, Y, X) on the image's grid.

    ensemble      q = floor(255 p + ½) of the weighted mean.
    disagreement  floor(510 sigma + ½), None for one member.
    member_maps   q of each member that ran, by model name.
    label_maps    q of each finding label, where there is more than one.
    members       one record per member of the spec, those of weight zero included.
    """

    ensemble: Map
    disagreement: Map | None
    member_maps: Mapping[str, Map]
    label_maps: Mapping[str, Map]
    measures: Mapping[str, Any]
    agreement: Mapping[str, Any] | None
    members: list[dict[str, Any]]
    loads: int
    forward_ms: float
    total_ms: float
    versions: Mapping[str, str]

    def arrays(self) -> dict[str, Map]:
        """Return every map by the file name under which `to_json` names it."""
        files = {"ensemble.u8": self.ensemble}
        if self.disagreement is not None:
            files["disagreement.u8"] = self.disagreement
        files |= {f"member-{n}.u8": q for n, q in enumerate(self.member_maps.values())}
        return files | {f"label-{n}.u8": q for n, q in enumerate(self.label_maps.values())}

    def to_json(self) -> dict[str, Any]:
        """Return the ANALYSIS record; the maps are named, not held."""
        return {
            "shape": list(self.ensemble.shape),
            "maps": {
                "ensemble": "ensemble.u8",
                "disagreement": None if self.disagreement is None else "disagreement.u8",
                "members": {name: f"member-{n}.u8" for n, name in enumerate(self.member_maps)},
                "labels": {name: f"label-{n}.u8" for n, name in enumerate(self.label_maps)},
            },
            "measures": dict(self.measures),
            "agreement": None if self.agreement is None else dict(self.agreement),
            "members": self.members,
            "loads": self.loads,
            "forward_ms": self.forward_ms,
            "total_ms": self.total_ms,
            "versions": dict(self.versions),
        }
