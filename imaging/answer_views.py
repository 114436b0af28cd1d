"""The page of classes, boxes and refusals, its pictures, and the way past the input gate."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import requires
from accounts.plan_limits import refusal_told
from imaging.answer_layers import answer_layer
from imaging.answer_page import AnswerDisplay, answer_context
from imaging.display import query_of
from imaging.models import Result
from imaging.selectors import results_visible_to, results_within
from imaging.services.overrides import gate_override


def answer_page(
    request: HttpRequest, result: Result, more: dict, status: int = 200
) -> HttpResponse:
    """Answer the page of a result that has no measured map. The caller has checked access."""
    display = AnswerDisplay.from_query(query_of(request), result)
    context = answer_context(result, display, request.user) | more
    return render(request, "imaging/answer_detail.html", context, status=status)


def answer_picture(request: HttpRequest, result: Result, name: str) -> HttpResponse:
    """Answer one of its layers as PNG."""
    display = AnswerDisplay.from_query(request.GET, result)
    return HttpResponse(answer_layer(result, name, display), content_type="image/png")


@require_POST
@requires("gate.override")
def gate_override_view(request: HttpRequest, pk) -> HttpResponse:
    result = get_object_or_404(results_visible_to(request.user), pk=pk)
    get_object_or_404(results_within(request.user, "gate.override"), pk=pk)
    try:
        run = gate_override(
            user=request.user, result=result, reason=request.POST.get("reason", "")[:500]
        )
    except ValidationError as error:
        messages.error(request, refusal_told(error))
        return redirect(result)
    messages.success(request, _("The analysis was started. Your reason stands on its result."))
    return redirect(run)
