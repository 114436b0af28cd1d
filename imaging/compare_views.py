"""Two results of one patient side by side, and the list to choose the second from."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts import audit
from imaging.compare_page import choice_context, compare_context
from imaging.display import query_of
from imaging.models import Result
from imaging.reading import reads
from imaging.selectors import results_visible_to


@require_GET
@reads("result.view")
def compare_list(request: HttpRequest, pk) -> HttpResponse:
    result = _result(request, pk)
    audit.record_once(request.user, "result.view", result)
    return render(request, "imaging/compare_list.html", choice_context(result, request.user))


@require_GET
@reads("result.view")
def compare_detail(request: HttpRequest, pk, other) -> HttpResponse:
    """Show both; a result of another patient, or one that may not be seen, is not there."""
    result, second = _result(request, pk), _result(request, other)
    if second.patient_id != result.patient_id:
        raise Http404
    for one in {result.pk: result, second.pk: second}.values():
        audit.record_view(request.user, "result.view", one)
    context = compare_context(result, second, query_of(request))
    return render(request, "imaging/compare_detail.html", context)


def _result(request: HttpRequest, pk) -> Result:
    found = results_visible_to(request.user).select_related("image__source", "job__run")
    return get_object_or_404(found.prefetch_related("maps", "boxes", "classes"), pk=pk)
