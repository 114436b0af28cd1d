"""Deciding on a result and signing the decision; the panel itself stands on the result page."""

from __future__ import annotations

from allauth.mfa.webauthn.internal.auth import begin_authentication  # no public name; pinned
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import requires
from accounts.services.factors import has_factor, has_security_key
from imaging.display import Display, query_of
from imaging.forms import uuids
from imaging.forms_review import ReviewForm, SignForm
from imaging.models import Result, Review
from imaging.reading import reads
from imaging.review_page import cut_of
from imaging.selectors import results_visible_to, results_within
from imaging.services.reviews import Overtaken, latest_review, review_save, review_sign
from imaging.services.signing import signature_holds
from imaging.viewer import result_response, results_shown

SIGNED_BEFORE = "signed"  # in the session: the password was shown for a signature


@require_POST
@requires("review.save")
def review_create(request: HttpRequest, pk) -> HttpResponse:
    """Keep the decision as a version; one that was overtaken is shown beside the other's."""
    theirs = results_within(request.user, "review.save").values("pk")
    result = get_object_or_404(results_shown(request.user).filter(pk__in=theirs), pk=pk)
    latest = latest_review(result)
    form = ReviewForm(
        request.POST,
        signed=latest is not None and latest.is_signed,
        lesions=result.lesions.count(),
    )
    if form.is_valid():
        try:
            review = review_save(by=request.user, result=result, **form.cleaned_data)
        except Overtaken as other:
            return conflict(request, result, other.latest, form)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Version %(n)d is saved.") % {"n": review.number})
            return redirect(_next_of(request) or review)
    query = query_of(request)
    query["t"] = request.POST.get("threshold", "")
    display = Display.from_query(query, result)
    return result_response(request, result, display, form=form, status=422)


@require_GET
@reads("result.view")
def review_detail(request: HttpRequest, pk) -> HttpResponse:
    """Show one version as it was written, the signed one for ever."""
    review = _review(request, pk, results_visible_to(request.user))
    audit.record_view(request.user, "result.view", review.result)
    return render(request, "imaging/review_detail.html", _context(review))


@require_http_methods(["GET", "POST"])
@requires("review.sign")
def review_sign_view(request: HttpRequest, pk) -> HttpResponse:
    """Ask for meaning, password and code at this moment, and close the version under them."""
    review = _review(request, pk, results_within(request.user, "review.sign"))
    audit.record_once(request.user, "result.view", review.result)
    form = None
    if has_factor(request.user):
        form = SignForm(
            data=request.POST if request.method == "POST" else None,
            user=request.user,
            asks_password=not request.session.get(SIGNED_BEFORE),
        )
    if form is not None and request.method == "POST" and form.is_valid():
        try:
            review_sign(by=request.user, review=review, meaning=form.cleaned_data["meaning"])
        except Overtaken as other:
            return conflict(request, review.result, other.latest)
        except ValidationError as error:
            form.add_error(None, error)
    if form is not None and form.is_bound and form.is_valid():
        form.save()
        request.session[SIGNED_BEFORE] = True
        messages.success(request, _("Version %(n)d is signed.") % {"n": review.number})
        return redirect(review)
    context = _context(review) | {"form": form}
    if form is not None and has_security_key(request.user):
        context["js_data"] = {"request_options": begin_authentication(request.user)}
    status = 422 if form is not None and form.errors else 200
    return render(request, "imaging/review_sign.html", context, status=status)


review_sign_view.needs_step_up = True  # its form is the proof, asked each time


def _next_of(request: HttpRequest) -> Result | None:
    """Return the result that the reader wants to see next, if they may."""
    wanted = uuids([request.POST.get("next", "")])
    return results_visible_to(request.user).filter(pk__in=wanted).first()


def conflict(request: HttpRequest, result: Result, latest: Review, form=None) -> HttpResponse:
    """Show both versions; what was typed is kept on the page, to be sent again after theirs."""
    kept = ("decision", "reason", "comment", "threshold")
    sent = [(name, request.POST[name]) for name in kept if request.POST.get(name)]
    sent += [("removed", one) for one in request.POST.getlist("removed")]
    context = {"result": result, "latest": latest, "form": form, "kept": sent}
    return render(request, "imaging/review_conflict.html", context, status=409)


def _review(request: HttpRequest, pk, results) -> Review:
    found = Review.objects.filter(result__in=results.values("pk"))
    rows = found.select_related(
        "author",
        "signed_by",
        "mask",
        "patient",
        "result__seal",
        "result__job__run",
        "result__image__study",
    )
    return get_object_or_404(rows, pk=pk)


def _context(review: Review) -> dict:
    latest = latest_review(review.result)
    return {
        "review": review,
        "result": review.result,
        "cut": cut_of(review.result, review),
        "later": latest if latest.pk != review.pk else None,
        "holds": review.is_signed and signature_holds(review),
    }
