"""How much of everything a pass measures."""

from __future__ import annotations

from dataclasses import dataclass

from bench.inside import WARM_UP


@dataclass(frozen=True, slots=True)
class Sizes:
    """rounds: of P1; profiled: images watched place by place; batch: images of one queued run."""

    rounds: int
    profiled: int
    batch: int
    batch_rounds: int
    memory_images: int
    requests: int
    few: int = 10
    many: int = 5000

    @property
    def pictures(self) -> int:
        return max(WARM_UP + self.rounds + self.profiled, self.batch, self.memory_images)


SHORT = Sizes(rounds=9, profiled=5, batch=20, batch_rounds=3, memory_images=10, requests=200)
WHOLE = Sizes(rounds=25, profiled=15, batch=50, batch_rounds=5, memory_images=50, requests=1000)
