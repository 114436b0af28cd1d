"""The result page, and the bytes it draws from."""

from __future__ import annotations

import numpy as np
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET

from accounts import audit
from accounts.access import answers_data
from accounts.audit.state import trail_state
from accounts.selectors import user_may
from accounts.vault.storage import blob_open
from imaging import layers
from imaging.answer_views import answer_page, answer_picture
from imaging.display import EDITED, Display, edited_review, image_planes, query_of
from imaging.formats.png import encode_png
from imaging.formats.window import windowed
from imaging.models import Image, Result, ResultMap, Review
from imaging.planes import Plane, read_slice, square_size
from imaging.ranges import blob_response
from imaging.reading import reads
from imaging.result_page import page_context
from imaging.review_page import review_context
from imaging.selectors import (
    allowed_on,
    images_visible_to,
    results_held_back,
    results_visible_to,
)

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
    held_back = results_held_back(request.user).filter(pk=pk).first()
    if held_back is not None:
        return redirect("imaging:image-read", held_back.image_id)
    result = _result(request, pk)
    audit.record_view(request.user, "result.view", result)
    return result_response(request, result, Display.from_query(query_of(request), result))


def result_response(
    request: HttpRequest, result: Result, display: Display, *, form=None, status: int = 200
) -> HttpResponse:
    """Answer the page of a result; `form` is a decision that could not be kept."""
    allowed = allowed_on(request.user, result, ACTS.values())
    context = {name: action in allowed for name, action in ACTS.items()}
    context |= review_context(result, display.threshold, form)
    context |= {"trail": trail_state(), "may_verify_trail": user_may(request.user, "audit.verify")}
    if not result.is_measured:
        return answer_page(request, result, context, status=status)
    context |= page_context(result, display, request.user)
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
@reads("pixels.view")
def image_slice(request: HttpRequest, pk, plane: str, number: int) -> HttpResponse:
    """Answer the stored values of one slice as it is hung, raw little-endian, rows by columns."""
    visible = images_visible_to(request.user, "pixels.view").select_related("pixels")
    image = get_object_or_404(visible, pk=pk)
    chosen = plane_or_404(image, plane, number)
    audit.record_once(request.user, "image.view", image)  # once, not for each slice
    return raw(_stored_slice(image, chosen, number - 1))


@require_GET
@answers_data
@reads("result.view")
def result_map_slice(request: HttpRequest, pk, name: str, plane: str, number: int) -> HttpResponse:
    """Answer one slice of a map as it is hung, uint8, rows by columns."""
    found = ResultMap.objects.filter(result__in=results_visible_to(request.user).filter(pk=pk))
    shown = get_object_or_404(found.select_related("blob", "result__image"), name=name)
    audit.record_once(request.user, "result.view", shown.result)  # once, with the page it is of
    image = shown.result.image
    chosen = plane_or_404(image, plane, number)
    with blob_open(shown.blob) as content:
        return raw(read_slice(content, image.shape, "uint8", chosen, number - 1))


@require_GET
@answers_data
@reads("result.view")
def result_map(request: HttpRequest, pk, name: str) -> HttpResponse:
    """Answer one map of the result, uint8 (Z, Y, X)."""
    found = ResultMap.objects.filter(result__in=results_visible_to(request.user).filter(pk=pk))
    shown = get_object_or_404(found.select_related("blob", "result"), name=name)
    audit.record_once(request.user, "result.view", shown.result)
    return blob_response(request, shown.blob, content_type=RAW)


@require_GET
@answers_data
@reads("result.view")
def result_layer(request: HttpRequest, pk, name: str) -> HttpResponse:
    """Answer one layer as PNG, for pages without WebGL or JavaScript and for downloads."""
    if name not in layers.LAYERS:
        raise Http404
    result = _result(request, pk)
    audit.record_once(request.user, "result.view", result)
    if not result.is_measured:
        return answer_picture(request, result, name)
    display = Display.from_query(request.GET, result)
    is_download = "download" in request.GET
    drawn = layer_drawn(result, name, display, as_stored=is_download)
    response = HttpResponse(drawn, content_type="image/png")
    if is_download:
        audit.record(request.user, "image.download", result, reason=name)
        short = str(result.pk)[:8]
        response["Content-Disposition"] = f'attachment; filename="result-{short}-{name}.png"'
    return response


def layer_drawn(result: Result, name: str, display: Display, *, as_stored: bool) -> bytes:
    """Draw one layer; a picture of oblong pixels is drawn in square ones but for downloads."""
    plane = display.plane
    step = layers.step_for(plane.shape[1:])
    square = square_size(plane)
    size = None if as_stored or square == plane.shape[1:] else layers.within(square)
    if name == "original":
        grey = layers.shrink(grey_slice(result.image, display), step)
        return encode_png(layers.squared(grey, size, smooth=True), level=3)
    source = display.spread if name == "disagreement" else display.map
    levels = layers.thin(_map_slice(result, source, plane, display.slice), step)
    levels = layers.squared(levels, size)
    if name == "mask":
        return encode_png(layers.mask_layer(levels, display.level), level=3)
    if name == "outline":
        return encode_png(layers.outline_layer(levels, display.level, width=2), level=3)
    draw = layers.heat_layer if name == "heat" else layers.disagreement_layer
    return encode_png(draw(levels, name=display.palette, opacity=display.opacity), level=3)


def grey_slice(image: Image, display: Display) -> np.ndarray:
    """One slice under the window, uint8, as it is hung."""
    stored = _stored_slice(image, display.plane, display.slice)
    facts, window = image.facts, (display.center, display.width)
    return windowed(stored, facts.get("slope", 1), facts.get("intercept", 0), window)


def _stored_slice(image: Image, plane: Plane, index: int) -> np.ndarray:
    with blob_open(image.pixels) as content:
        return read_slice(content, image.shape, image.dtype, plane, index)


def mask_slice(review: Review, plane: Plane, index: int) -> np.ndarray:
    """One slice of an edited mask as it is hung: 0 or 255."""
    with blob_open(review.mask) as content:
        return 255 * read_slice(content, review.result.image.shape, "uint8", plane, index)


def _map_slice(result: Result, name: str, plane: Plane, index: int) -> np.ndarray:
    if name == EDITED:
        return mask_slice(edited_review(result), plane, index)
    found = get_object_or_404(result.maps.select_related("blob"), name=name)
    with blob_open(found.blob) as content:
        return read_slice(content, result.image.shape, "uint8", plane, index)


def plane_or_404(image: Image, name: str, number: int) -> Plane:
    """The plane of that name, if it has a slice of that number; 404 else."""
    plane = image_planes(image).get(name)
    if plane is None or not 1 <= number <= plane.shape[0]:
        raise Http404
    return plane


def raw(values: np.ndarray) -> HttpResponse:
    response = HttpResponse(values.tobytes(), content_type=RAW)
    response["Cache-Control"] = "no-store, private"
    return response


def results_shown(user) -> QuerySet[Result]:
    """Return the results that `user` may see, with what their page needs."""
    return results_visible_to(user).select_related("image__source", "job__run__requested_by")


def _result(request: HttpRequest, pk) -> Result:
    return get_object_or_404(results_shown(request.user), pk=pk)
