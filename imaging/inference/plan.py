"""One analysis while it runs: the picture, who runs, what they must share, when it began."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from imaging.inference.analysis import Analysis
from imaging.inference.cache import ModelCache
from imaging.inference.metadata import ModelMetadata
from imaging.inference.provenance import library_versions, member_record
from imaging.inference.spec import EnsembleSpec, MemberSpec
from imaging.types import Volume

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What every task is given. `labels` are the finding labels as the heaviest member names them.

    `progress(stage, done, total)` is called before each member and before the measuring. Without
    `maps` a classifier draws none of where it looked: who wants its numbers only need not wait.
    """

    volume: Volume
    spec: EnsembleSpec
    cards: Mapping[str, ModelMetadata]
    labels: tuple[str, ...]
    gate: Mapping[str, Any]
    models: ModelCache
    progress: Progress
    loads: int
    maps: bool = True
    started: float = field(default_factory=perf_counter)

    @property
    def running(self) -> list[MemberSpec]:
        """The members with a weight."""
        return [member for member in self.spec.members if member.weight > 0]

    @property
    def labels_exclude(self) -> bool:
        """Whether a pixel has one label only, by every member that runs."""
        return all(self.cards[member.model].activation == "softmax" for member in self.running)

    def analysis(
        self,
        facts: Mapping[str, Mapping[str, Any]],
        areas: Mapping[str, int | None] | None = None,
        **found: Any,
    ) -> Analysis:
        """Return the finished record: what was `found`, by whom, with what, in what time."""
        ran = frozenset(self.cards[name].framework for name in facts)
        return Analysis(
            type=self.spec.type,
            shape=tuple(self.volume.array.shape),
            gate=self.gate,
            fusion=self.spec.fusion,
            members=[
                member_record(one, self.spec, self.cards[one.model], facts, areas or {})
                for one in self.spec.members
            ],
            loads=self.models.loads - self.loads,
            forward_ms=round(sum(fact["forward_ms"] for fact in facts.values()), 1),
            total_ms=round((perf_counter() - self.started) * 1000, 1),
            versions=library_versions(ran),
            **found,
        )
