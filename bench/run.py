"""`make bench`: what MediScan costs beside its limits, as a table and as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rich.console import Console  # noqa: E402  the line above finds the packages below

from bench import report  # noqa: E402
from bench.house import Houses, SuiteFailed, scratch_houses  # noqa: E402
from bench.machine import Clock, machine, unrest  # noqa: E402
from bench.ratios import exit_code  # noqa: E402
from bench.rows import Row, doubted  # noqa: E402
from bench.suites import e2e, inference, memory, pages  # noqa: E402
from bench.suites.sizes import SHORT, WHOLE, Sizes  # noqa: E402

SUITES = ("inference", "e2e", "memory", "pages")
LATEST = ROOT / "bench" / "latest.json"
EXIT_FAILED, EXIT_INTERRUPTED = 2, 130


@dataclass
class Findings:
    """What the suites found: rows, the profile of one image, and on which pictures."""

    rows: list[Row] = field(default_factory=list)
    profile: dict[str, list[float]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write. 0: all met, 1: something missed, 2: it failed, 3: too noisy."""
    options = _parser().parse_args(arguments)
    console = Console()
    here, before = machine(), Clock.now()
    try:
        with scratch_houses() as houses:
            found = _measured(options.suite, _sizes(options), houses, console)
    except KeyboardInterrupt:
        console.print("Interrupted; everything it had started was ended.")
        return EXIT_INTERRUPTED
    except (SuiteFailed, OSError) as error:
        console.print(f"The benchmark could not finish: {error}", style="red", markup=False)
        return EXIT_FAILED
    after = Clock.now()
    load = {"load": [before.load, after.load], "steal_percent": before.steal_percent(after)}
    context = {**here.to_json(), **load, **found.data}
    rows = doubted(found.rows, unrest(before, after, here.affinity))
    _write(options.json, rows, found.profile, context)
    report.show(console, rows, context)
    if found.profile:
        report.show_profile(console, found.profile)
    console.print(f"Written to {options.json}", highlight=False, soft_wrap=True)
    return exit_code([row["verdict"] for row in rows])


def _measured(suite: str, sizes: Sizes, houses: Houses, console: Console) -> Findings:
    suites = SUITES if suite == "all" else (suite,)
    found = Findings()
    if set(suites) - {"pages"}:
        console.print(f"Taking in {sizes.pictures} pictures …")
        template = houses.empty("template")
        found.data = template.ask("bench.inside.seeding:furnish", images=sizes.pictures)
    for name in suites:
        console.print(f"Measuring: {name} …")
        if name == "inference":
            rows, found.profile = inference.measure(template, sizes)
        elif name == "pages":
            rows = pages.measure(houses.empty("pages"), sizes)
        else:
            rows = {"e2e": e2e, "memory": memory}[name].measure(template, sizes)
        found.rows += rows
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Measure MediScan beside its limits. One suite runs in full, all of them short."
    )
    parser.add_argument("--suite", choices=[*SUITES, "all"], default="all")
    parser.add_argument("--rounds", type=int, help="rounds of each ratio")
    parser.add_argument("--batch", type=int, help="images of one queued batch")
    parser.add_argument("--studies", type=int, help="studies of the large worklist")
    parser.add_argument("--json", type=Path, default=LATEST, help="where to write (%(default)s)")
    return parser


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = SHORT if options.suite == "all" else WHOLE
    asked = {
        "rounds": options.rounds,
        "batch_rounds": options.rounds,
        "batch": options.batch,
        "memory_images": options.batch,
        "many": options.studies,
    }
    return replace(sizes, **{name: value for name, value in asked.items() if value})


def _write(
    path: Path, rows: list[Row], profile: dict[str, list[float]], context: dict[str, Any]
) -> None:
    short = {name: context[name] for name in ("cpu", "affinity", "load", "commit")}
    text = json.dumps(
        {
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "context": context,
            "rows": [{**row, "context": short} for row in rows],
            "profile_ms": {
                name: {"clock": round(wall, 2), "cpu": round(cpu, 2)}
                for name, (wall, cpu) in profile.items()
            },
        },
        ensure_ascii=False,
        indent=1,
        allow_nan=False,
    )
    path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
