"""The two pages of components: those of pages, and those that stand beside a picture."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from mediscan.kit import decisions, fields, people, viewer, work


@login_not_required
@require_safe
def kit(request: HttpRequest) -> HttpResponse:
    _only_here()
    shown = fields.shown() | work.shown() | people.shown() | decisions.conflicts()
    return render(request, "kit.html", shown)


@login_not_required
@require_safe
def kit_viewer(request: HttpRequest) -> HttpResponse:
    _only_here()
    return render(request, "kit_viewer.html", viewer.shown())


def _only_here() -> None:
    if not (settings.DEBUG or settings.KIT):
        raise Http404
