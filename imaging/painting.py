"""The page on which a reader paints a mask, and the bytes of a painted one."""

from __future__ import annotations

from dataclasses import fields

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import audit
from accounts.access import answers_data, requires
from imaging.forms_review import MaskForm, PaintForm
from imaging.models import Decision, Result, Review
from imaging.paint_page import overtaken_words, paint_context
from imaging.ranges import blob_response
from imaging.reading import reads
from imaging.reviews import conflict
from imaging.selectors import results_visible_to, results_within
from imaging.services.painted import Painting, mask_joined, most_bytes
from imaging.services.reviews import Overtaken, latest_review, review_save
from imaging.viewer import RAW, mask_slice, plane_or_404, raw, results_shown

PAINTING = [field.name for field in fields(Painting)]


@require_http_methods(["GET", "POST"])
@requires("review.save")
def review_paint(request: HttpRequest, pk) -> HttpResponse:
    """Start from the mask that counts; what is painted is saved as the next version."""
    theirs = results_within(request.user, "review.save").values("pk")
    result = get_object_or_404(results_shown(request.user).filter(pk__in=theirs), pk=pk)
    if not result.is_measured:
        raise Http404(_("There is no mask to edit."))
    if request.method == "POST":
        return _painted(request, result)
    audit.record_once(request.user, "result.view", result)
    return render(request, "imaging/review_paint.html", paint_context(request.GET, result))


def _painted(request: HttpRequest, result: Result) -> JsonResponse:
    """Answer the page's script, which keeps the painting until it is saved."""
    form = PaintForm(request.POST, request.FILES, largest=most_bytes(result.image))
    try:
        if form.is_valid():
            words = form.cleaned_data
            painting = Painting(**{name: words.pop(name) for name in PAINTING})
            mask = mask_joined(result, painting)
            review = review_save(
                by=request.user, result=result, decision=Decision.EDITED, mask=mask, **words
            )
            return JsonResponse({"url": review.get_absolute_url()}, status=201)
    except Overtaken as other:
        return JsonResponse(overtaken_words(other.latest), status=409)
    except ValidationError as error:
        form.add_error(None, error)
    return JsonResponse({"errors": form.sentences()}, status=422)


@require_http_methods(["GET", "POST"])
@requires("review.save")
def review_upload(request: HttpRequest, pk) -> HttpResponse:
    """Take the file of a mask that was drawn elsewhere; the worker reads and measures it."""
    theirs = results_within(request.user, "review.save").values("pk")
    result = get_object_or_404(results_shown(request.user).filter(pk__in=theirs), pk=pk)
    if not result.is_measured:
        raise Http404(_("There is no mask to edit."))
    latest = latest_review(result)
    pixels = result.image.depth * result.image.height * result.image.width
    form = MaskForm(
        *((request.POST, request.FILES) if request.method == "POST" else ()),
        initial={"seen": latest.number if latest else 0},
        signed=latest is not None and latest.is_signed,
        pixels=pixels,
    )
    if request.method == "POST" and form.is_valid():
        words = form.cleaned_data
        file = words.pop("file")
        try:
            review = review_save(
                by=request.user, result=result, decision=Decision.EDITED,
                sent=(file.name, file.read()), **words,
            )  # fmt: skip
        except Overtaken as other:
            return conflict(request, result, other.latest)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect(review)
    audit.record_once(request.user, "result.view", result)
    context = {"result": result, "image": result.image, "form": form}
    status = 422 if form.errors else 200
    return render(request, "imaging/review_upload.html", context, status=status)


@require_GET
@answers_data
@reads("result.view")
def review_mask(request: HttpRequest, pk) -> HttpResponse:
    """Answer a painted mask, one byte 0 or 1 per pixel (Z, Y, X)."""
    found = Review.objects.filter(result__in=results_visible_to(request.user).values("pk"))
    review = get_object_or_404(found.select_related("mask", "result").exclude(mask=None), pk=pk)
    audit.record_once(request.user, "result.view", review.result)
    return blob_response(request, review.mask, content_type=RAW)


@require_GET
@answers_data
@reads("result.view")
def review_mask_slice(request: HttpRequest, pk, plane: str, number: int) -> HttpResponse:
    """Answer one slice of an edited mask as it is hung: 0 or 255, as a map that is sure."""
    found = Review.objects.filter(result__in=results_visible_to(request.user).values("pk"))
    rows = found.select_related("mask", "result__image").exclude(mask=None)
    review = get_object_or_404(rows, pk=pk)
    audit.record_once(request.user, "result.view", review.result)
    chosen = plane_or_404(review.result.image, plane, number)
    return raw(mask_slice(review, chosen, number - 1))


@require_GET
@answers_data
@reads("result.view")
def review_status(request: HttpRequest, pk) -> HttpResponse:
    """Say how far the measuring is; when it is done, the page is to be loaded anew."""
    found = Review.objects.filter(result__in=results_visible_to(request.user).values("pk"))
    review = get_object_or_404(found, pk=pk)
    if not request.htmx:
        return redirect(review)
    answer = render(request, "imaging/partials/review_status.html", {"review": review})
    if not review.is_waiting:
        answer.headers["HX-Refresh"] = "true"
    return answer
