"""Reading first: the picture alone, then one's own words, then what the models say."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import audit
from accounts.access import answers_data, requires
from imaging import layers
from imaging.display import default_window, image_planes, presets, window_asked
from imaging.formats.png import encode_png
from imaging.models import Image
from imaging.planes import STORED, Plane, first_plane, square_size
from imaging.reading import reads
from imaging.result_page import sides, spacing_text
from imaging.selectors import (
    images_visible_to,
    pixels_open,
    results_held_back,
    results_visible_to,
)
from imaging.services.impressions import LONGEST, impression_save
from imaging.slice_page import PLANE_NAMES, image_config
from imaging.viewer import grey_slice


class ImpressionForm(forms.Form):
    text = forms.CharField(
        label=_("What do you see?"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text=_(
            "Your words stay as they are. What the models say is sent to you after that;"
            " your decision then has words of its own."
        ),
        error_messages={"required": _("Write down what you see, if only that you see nothing.")},
    )


@dataclass(frozen=True, slots=True)
class Look:
    """How the picture is drawn: window, plane, slice from 0; nothing of any result."""

    center: float
    width: float
    plane: Plane
    slice: int

    @classmethod
    def from_query(cls, query: QueryDict, image: Image) -> Look:
        center, width = window_asked(query.get("window", ""), default_window(image))
        planes = image_planes(image)
        plane = planes.get(query.get("plane", "")) or first_plane(planes)
        number = query.get("slice", "")
        last = plane.shape[0]
        asked = int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 0
        return cls(center, width, plane, asked - 1 if 1 <= asked <= last else last // 2)

    @property
    def number(self) -> int:
        return self.slice + 1

    def query(self, number: int | None = None) -> str:
        window = f"window={self.center:g},{self.width:g}"
        return f"{window}&plane={self.plane.name}&slice={number or self.number}"


@require_http_methods(["GET", "POST"])
@requires("review.save")
def image_read(request: HttpRequest, pk) -> HttpResponse:
    """Show the picture without a result until its reader has written down an impression."""
    image = get_object_or_404(images_visible_to(request.user, "review.save"), pk=pk)
    get_object_or_404(images_visible_to(request.user, "pixels.view"), pk=pk)
    if not results_held_back(request.user).filter(image=image).exists():
        return redirect(_told(request.user, image))
    form = ImpressionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            impression_save(by=request.user, image=image, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect(_told(request.user, image))
    if request.method == "GET":
        audit.record(request.user, "image.view", image)
    context = _context(Look.from_query(request.GET, image), image) | {"form": form}
    return render(request, "imaging/image_read.html", context, status=422 if form.errors else 200)


@require_GET
@answers_data
@reads("pixels.view")
def image_original(request: HttpRequest, pk) -> HttpResponse:
    """Answer one slice of the picture as PNG under a window; no result is asked or named."""
    image = get_object_or_404(images_visible_to(request.user, "pixels.view"), pk=pk)
    audit.record_once(request.user, "image.view", image)
    look = Look.from_query(request.GET, image)
    square = square_size(look.plane)
    size = None if square == look.plane.shape[1:] else layers.within(square)
    grey = layers.shrink(grey_slice(image, look), layers.step_for(look.plane.shape[1:]))
    drawn = encode_png(layers.squared(grey, size, smooth=True), level=3)
    return HttpResponse(drawn, content_type="image/png")


def next_unread(user, study) -> Image | None:
    """Return the first image of the study whose results `user` is not sent yet, in its order.

    Not the one that decides: its place would tell of its severity.
    """
    held = results_held_back(user).filter(image__study=study).values("image")
    images = study.images.filter(pk__in=held).order_by("created_at", "id")
    image = images.first()
    return image if image is not None and image.pk in pixels_open(user, [image.pk]) else None


def _told(user, image: Image):
    """Return where the reader goes on: the newest result of the image, else its study."""
    newest = results_visible_to(user).filter(image=image).order_by("-created_at").first()
    return newest or image.study


def _context(look: Look, image: Image) -> dict:
    count = look.plane.shape[0]
    wanted = (look.center, look.width)
    return {
        "image": image,
        "look": look,
        "slices": count,
        "config": image_config(image, look.plane)
        | {"slice": look.slice, "center": look.center, "windowWidth": look.width},
        "may_review": True,
        "previous": look.query(look.number - 1) if look.number > 1 else "",
        "next": look.query(look.number + 1) if look.number < count else "",
        "planes": [(name, PLANE_NAMES[name], name == look.plane.name)
                   for name in image_planes(image) if name != STORED],
        "presets": [(name, f"{center:g},{width:g}", (center, width) == wanted)
                    for name, (center, width) in presets(image).items()],
        "sides": look.plane.sides or sides(image),
        "spacing": spacing_text(image, look.plane),
    }  # fmt: skip
