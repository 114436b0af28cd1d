"""Every address of the house, from the resolver, filled with sample or real arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

from imaging.models import Image, Job, Result, Run, Study, Upload
from reports.models import Export

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
METHODS = ("GET", "HEAD", "OPTIONS", *UNSAFE)
NOWHERE = "00000000-0000-4000-8000-000000000001"
SAMPLES = {
    "uuid": NOWHERE,
    "int": "1",
    "slug": "ensemble",
    "str": "x",
    "path": "x",
    "label_token": "x" * 43,
}
CLINICAL = (Study, Upload, Run, Job, Image, Result, Export)
_ARGUMENT = re.compile(r"<(?:(\w+):)?(\w+)>")
_GROUP = re.compile(r"\(\?P<(\w+)>((?:[^()]|\([^()]*\))*)\)")
_OF_GROUP = {"app_label": "imaging", "url": "nowhere", "key": "abc-123"}


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    pattern: str
    view: Any

    @property
    def address(self) -> str:
        """The address of something that does not exist."""
        return next(self.addresses())

    def addresses(self, uuids: tuple[str, ...] = (NOWHERE,)) -> Iterator[str]:
        """Addresses with each of `uuids` in each place for one."""
        text = _GROUP.sub(lambda found: _OF_GROUP.get(found[1], "x"), self.pattern)
        parts = _ARGUMENT.split(text)
        literals, kinds = parts[::3], parts[1::3]
        choices = [uuids if kind == "uuid" else (SAMPLES[kind or "str"],) for kind in kinds]
        for chosen in product(*choices):
            pairs = zip(literals, (*chosen, ""), strict=True)
            yield "/" + re.sub(r"[\^$]|\\Z", "", "".join(a + b for a, b in pairs)).replace("\\", "")


def routes(patterns=None, prefix: str = "", space: str = "") -> Iterator[Route]:
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from routes(entry.url_patterns, path, inner)
        elif isinstance(entry, URLPattern):
            yield Route(f"{space}{entry.name}", path, entry.callback)


def real_addresses() -> Iterator[str]:
    """Every address with one row of each kind that it may name; in the admin with its own."""
    rows = [model.objects.first() for model in CLINICAL]
    uuids = tuple(str(row.pk) for row in rows if row is not None)
    for route in routes():
        if "<path:object_id>" in route.pattern:
            yield from _of_the_admin(route)
        else:
            yield from route.addresses(uuids)


def _of_the_admin(route: Route) -> Iterator[str]:
    label = "_".join(route.name.removeprefix("admin:").split("_")[:-1])
    for model in apps.get_models():
        if f"{model._meta.app_label}_{model._meta.model_name}" == label:
            row = model._default_manager.first()
            yield "/" + route.pattern.replace("<path:object_id>", str(row.pk if row else NOWHERE))
