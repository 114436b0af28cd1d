"""G1: statements per page, with ten studies and with thousands."""

from __future__ import annotations

from bench.house import House
from bench.rows import Row, equal_row
from bench.suites.sizes import Sizes


def measure(house: House, sizes: Sizes) -> list[Row]:
    """Count in a house of its own, empty until the crowd is written."""
    house.ask("bench.inside.seeding:furnish", images=0)
    found = house.ask("bench.inside.pages:measure", few=sizes.few, many=sizes.many)
    sides = (f"{sizes.few:,} studies", f"{sizes.many:,} studies")
    return [
        equal_row(
            "pages", "G1", page["page"], sides,
            (page["few"]["statements"], page["many"]["statements"]),
            unit="statements",
            cpu_ms={"a": page["few"]["cpu_ms"], "b": page["many"]["cpu_ms"]},
        )
        for page in found
    ]  # fmt: skip
