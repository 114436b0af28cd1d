"""What an ensemble says of one image: maps as arrays, everything else ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What was found; all maps are uint8 (Z, Y, X) on the image's grid.

    gate            what the input gate said; where it refuses, nothing else is filled.
    ensemble        segmentation: q of the joined maps.
    disagreement    floor(510 sigma + ½), None for one member.
    augmentation    floor(510 sd + ½) of the mirrored copies, None where no member has any.
    member_maps     q of each member that ran, by model name.
    label_maps      q of each finding label, where there is more than one; of labels that exclude
                    each other the finding's q where this one is the likeliest, else 0.
    saliency        classification: where the models looked, 255 at each map's own maximum.
    measures        segmentation: as `imaging.measures.measuring.measure` returns it.
    label_measures  {"label", "row"} for each finding label where there is more than one.
    classes, boxes  the lines of the other tasks.
    decision        the numbers that decided: kind, thresholds, overlap, what stayed below.
    members         one record per member of the spec, those of weight zero included.
    """

    type: str
    shape: tuple[int, ...]
    gate: Mapping[str, Any]
    members: list[dict[str, Any]]
    loads: int
    total_ms: float
    versions: Mapping[str, str]
    fusion: str = "mean"
    ensemble: Map | None = None
    disagreement: Map | None = None
    augmentation: Map | None = None
    member_maps: Mapping[str, Map] = field(default_factory=dict)
    label_maps: Mapping[str, Map] = field(default_factory=dict)
    saliency: Mapping[str, Map] = field(default_factory=dict)
    measures: Mapping[str, Any] | None = None
    label_measures: Sequence[Mapping[str, Any]] = ()
    classes: Sequence[Mapping[str, Any]] = ()
    boxes: Sequence[Mapping[str, Any]] = ()
    decision: Mapping[str, Any] = field(default_factory=dict)
    agreement: Mapping[str, Any] | None = None
    forward_ms: float = 0.0

    def arrays(self) -> dict[str, Map]:
        """Return every map by the file name under which `to_json` names it."""
        single = {
            "ensemble.u8": self.ensemble,
            "disagreement.u8": self.disagreement,
            "augmentation.u8": self.augmentation,
        }
        files = {name: q for name, q in single.items() if q is not None}
        for kind, maps in self._several().items():
            files |= {f"{kind}-{n}.u8": q for n, q in enumerate(maps.values())}
        return files

    def to_json(self) -> dict[str, Any]:
        """Return the ANALYSIS record; the maps are named, not held."""
        named = {
            kind: {name: f"{kind}-{n}.u8" for n, name in enumerate(maps)}
            for kind, maps in self._several().items()
        }
        return {
            "type": self.type,
            "shape": list(self.shape),
            "gate": dict(self.gate),
            "fusion": self.fusion,
            "maps": {
                "ensemble": None if self.ensemble is None else "ensemble.u8",
                "disagreement": None if self.disagreement is None else "disagreement.u8",
                "augmentation": None if self.augmentation is None else "augmentation.u8",
                "members": named["member"],
                "labels": named["label"],
                "saliency": named["saliency"],
            },
            "measures": None if self.measures is None else dict(self.measures),
            "label_measures": [dict(one) for one in self.label_measures],
            "classes": [dict(one) for one in self.classes],
            "boxes": [dict(one) for one in self.boxes],
            "decision": dict(self.decision),
            "agreement": None if self.agreement is None else dict(self.agreement),
            "members": self.members,
            "loads": self.loads,
            "forward_ms": self.forward_ms,
            "total_ms": self.total_ms,
            "versions": dict(self.versions),
        }

    def _several(self) -> dict[str, Mapping[str, Map]]:
        return {"member": self.member_maps, "label": self.label_maps, "saliency": self.saliency}
