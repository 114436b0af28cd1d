"""The result page, and the bytes it draws from."""

from __future__ import annotations

import numpy as np
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts import audit
from accounts.access import answers_data
from accounts.vault.storage import blob_open
from imaging import layers
from imaging.formats.png import encode_png
from imaging.formats.window import windowed
from imaging.models import Image, Result, ResultMap
from imaging.ranges import blob_response
from imaging.reading import reads
from imaging.result_page import Display, page_context
from imaging.review_page import review_context
from imaging.selectors import allowed_on, images_visible_to, results_visible_to

ACTS = {  # what the page offers, to whom it is open
    "may_export": "export.create",
    "may_export_bulk": "export.create_bulk",
    "may_review": "review.save",
    "may_sign": "review.sign",
}
RAW = "application/octet-stream"


@require_GET
@reads("result.view")
def result_detail(request: HttpRequest, pk) -> HttpResponse:
    result = _result(request, pk)
    audit.record(request.user, "result.view", result, request_id=request.request_id)
    return result_response(request, result, Display.from_query(request.GET, result))


def result_response(
    request: HttpRequest, result: Result, display: Display, *, form=None, status: int = 200
) -> HttpResponse:
    """Answer the page of a result; `form` is a decision that could not be kept."""
    allowed = allowed_on(request.user, result, ACTS.values())
    context = page_context(result, display, request.user)
    context |= {name: action in allowed for name, action in ACTS.items()}
    context |= review_context(result, display.threshold, form)
    return render(request, "imaging/result_detail.html", context, status=status)


@require_GET
@answers_data
@reads("pixels.view")
def image_thumbnail(request: HttpRequest, pk) -> HttpResponse:
    image = get_object_or_404(images_visible_to(request.user, "pixels.view"), pk=pk)
    return blob_response(request, image.thumbnail, content_type="image/png")


@require_GET
@answers_data
@reads("pixels.view")
def image_pixels(request: HttpRequest, pk) -> HttpResponse:
    """Answer the stored values, raw little-endian (Z, Y, X); one slice is one byte range."""
    image = get_object_or_404(images_visible_to(request.user, "pixels.view"), pk=pk)
    audit.record_once(request.user, "image.view", image)  # once, not for each slice
    return blob_response(request, image.pixels, content_type=RAW)


@require_GET
@answers_data
@reads("result.view")
def result_map(request: HttpRequest, pk, name: str) -> HttpResponse:
    """Answer one map of the result, uint8 (Z, Y, X)."""
    found = ResultMap.objects.filter(result__in=results_visible_to(request.user).filter(pk=pk))
    return blob_response(
        request, get_object_or_404(found.select_related("blob"), name=name).blob, content_type=RAW
    )


@require_GET
@answers_data
@reads("result.view")
def result_layer(request: HttpRequest, pk, name: str) -> HttpResponse:
    """Answer one layer as PNG, for pages without WebGL or JavaScript and for downloads."""
    if name not in layers.LAYERS:
        raise Http404
    result = _result(request, pk)
    display = Display.from_query(request.GET, result)
    response = HttpResponse(_drawn(result, name, display), content_type="image/png")
    if "download" in request.GET:
        audit.record(request.user, "image.download", result, reason=name)
        short = str(result.pk)[:8]
        response["Content-Disposition"] = f'attachment; filename="result-{short}-{name}.png"'
    return response


def _drawn(result: Result, name: str, display: Display) -> bytes:
    image = result.image
    step = layers.step_for((image.height, image.width))
    if name == "original":
        return encode_png(layers.shrink(_grey_slice(image, display), step), level=3)
    source = "disagreement" if name == "disagreement" else "ensemble"
    levels = layers.thin(_map_slice(result, source, display.slice), step)
    if name == "mask":
        return encode_png(layers.mask_layer(levels, display.level), level=3)
    if name == "outline":
        return encode_png(layers.outline_layer(levels, display.level, width=2), level=3)
    draw = layers.heat_layer if name == "heat" else layers.disagreement_layer
    return encode_png(draw(levels, name=display.palette, opacity=display.opacity), level=3)


def _grey_slice(image: Image, display: Display) -> np.ndarray:
    """One slice under the window, uint8 (Y, X)."""
    kind = np.dtype(image.dtype)
    data = _slice_bytes(image.pixels, image, display.slice, kind.itemsize)
    stored = np.frombuffer(data, kind.newbyteorder("<")).reshape(image.height, image.width)
    facts, window = image.facts, (display.center, display.width)
    return windowed(stored, facts.get("slope", 1), facts.get("intercept", 0), window)


def _map_slice(result: Result, name: str, index: int) -> np.ndarray:
    found = get_object_or_404(result.maps.select_related("blob"), name=name)
    data = _slice_bytes(found.blob, result.image, index, 1)
    return np.frombuffer(data, np.uint8).reshape(result.image.height, result.image.width)


def _slice_bytes(blob, image: Image, index: int, itemsize: int) -> bytes:
    length = image.height * image.width * itemsize
    return blob_open(blob).read_range(index * length, (index + 1) * length)


def results_shown(user) -> QuerySet[Result]:
    """Return the results that `user` may see, with what their page needs."""
    return results_visible_to(user).select_related("image__source", "job__run__requested_by")


def _result(request: HttpRequest, pk) -> Result:
    return get_object_or_404(results_shown(request.user), pk=pk)
