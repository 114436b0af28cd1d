"""Printing a result: what a web server can know of it is written down before the page answers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts import audit
from imaging.reading import reads
from imaging.selectors import results_visible_to


@require_POST
@reads("result.view")
def result_print(request: HttpRequest, pk) -> HttpResponse:
    """Write down that the result is printed, then answer its page as it was drawn.

    Behind `#print` the page says so, and its script opens the browser's dialog. Who prints
    by the browser's own command sends nothing: then the trail holds that the page was opened.
    """
    result = get_object_or_404(results_visible_to(request.user), pk=pk)
    audit.record(request.user, "result.print", result)
    return redirect(f"{result.get_absolute_url()}?{request.GET.urlencode()}#print")
