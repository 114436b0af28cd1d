"""The last question before a process serves: is this start safe?"""

from __future__ import annotations

from collections.abc import Sequence

from django.core.checks import CheckMessage, run_checks
from django.core.management.base import SystemCheckError


class UnsafeStart(SystemCheckError):
    """The start is refused; the text names every setting that is wrong, and each remedy."""


def refuse_unsafe_start(*tags: str) -> None:
    """Run the system checks of `tags`, deployment checks too; UnsafeStart lists all that fail.

    "boot" reads settings alone, "boot_database" asks the database, "boot_engine" tries a child.
    """
    problems = [found for found in run_checks(tags=tags, include_deployment_checks=True)
                if found.is_serious() and not found.is_silenced()]  # fmt: skip
    if problems:
        raise UnsafeStart(_sentences(problems))


def _sentences(problems: Sequence[CheckMessage]) -> str:
    lines = [f"  {number}. {problem.msg} {problem.hint or ''}".rstrip()
             for number, problem in enumerate(problems, start=1)]  # fmt: skip
    return "\n".join(["MediScan does not start like this:", *lines])
