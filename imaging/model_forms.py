"""What an administrator fills in to add a model: the file, then what it does not say itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.inference.metadata import NAME, SEMVER, TYPES
from imaging.models import Modality

ANCHORED_NAME, ANCHORED_VERSION = (rf"^(?:{one.pattern})\Z" for one in (NAME, SEMVER))
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
VALUES = [
    ("unit", gettext_lazy("0 to 1")),
    ("image", gettext_lazy("Mean 0, spread 1 of each image")),
    ("imagenet", gettext_lazy("0 to 1, then ImageNet's mean and spread")),
    ("range", gettext_lazy("A range of values to 0 to 1, such as Hounsfield units")),
    ("stored", gettext_lazy("As they are stored")),
]
_LONG = {"class": "vLargeTextField"}  # as wide as the admin's own
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}
_NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?")


class ModelSendForm(forms.Form):
    """A model's folder as one ZIP, or its weight file alone."""

    file = forms.FileField(
        label=gettext_lazy("Model file"),
        help_text=gettext_lazy(
            "A ZIP of the model's folder, or one weight file:"
            " .pt .pth .safetensors .onnx .keras .h5"
        ),
        error_messages={"required": gettext_lazy("Choose the file that your training saved.")},
    )


class ModelDescriptionForm(forms.Form):
    """What metadata.json would say of a weight file; `told` by the file is filled in."""

    name = forms.RegexField(
        ANCHORED_NAME, label=gettext_lazy("Name"), max_length=64,
        widget=forms.TextInput(attrs=_PLAIN),
        help_text=gettext_lazy("Small letters, digits, dots and dashes, such as chest-effusion."),
        error_messages={"invalid": gettext_lazy("Use a-z, 0-9, dot, dash and underscore.")},
    )  # fmt: skip
    version = forms.RegexField(
        ANCHORED_VERSION, label=gettext_lazy("Version"), initial="1.0.0", max_length=32,
        widget=forms.TextInput(attrs=_PLAIN),
        help_text=gettext_lazy("A version never changes: a better training gets a new number."),
        error_messages={"invalid": gettext_lazy("Write three numbers, such as 1.0.0.")},
    )  # fmt: skip
    type = forms.ChoiceField(
        label=gettext_lazy("What it does"),
        choices=list(zip(TYPES, (
            gettext_lazy("Classification: how likely each finding is"),
            gettext_lazy("Segmentation: a mask of each finding"),
            gettext_lazy("Detection: boxes around findings"),
        ), strict=True)),
        initial="segmentation",
    )  # fmt: skip
    modality = forms.MultipleChoiceField(
        label=gettext_lazy("Images it was made for"), choices=Modality.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("It is offered for these alone."),
        error_messages={"required": gettext_lazy("Tick at least one kind of image.")},
    )  # fmt: skip
    labels = forms.CharField(
        label=gettext_lazy("Labels"), widget=forms.Textarea(attrs={"rows": 4, **_PLAIN}),
        help_text=gettext_lazy(
            "One a line, in the order of the network's outputs; background first where it is one."
        ),
    )  # fmt: skip
    size = forms.CharField(
        label=gettext_lazy("Input size"), widget=forms.TextInput(attrs=_PLAIN),
        help_text=gettext_lazy(
            "Height and width in pixels that it was trained on, such as 224 × 224;"
            " three numbers for a volume. Images are brought to it, and answers back."
        ),
    )  # fmt: skip
    any_size = forms.BooleanField(
        label=gettext_lazy("The network takes any size"), required=False,
        help_text=gettext_lazy("Otherwise exactly the size above."),
    )  # fmt: skip
    channels = forms.ChoiceField(
        label=gettext_lazy("Channels"),
        choices=[("1", gettext_lazy("1, grey")), ("3", gettext_lazy("3, grey repeated"))],
        help_text=gettext_lazy("3 where the network was made for colour photographs."),
    )
    values = forms.ChoiceField(
        label=gettext_lazy("Values it was trained on"), choices=VALUES, initial="unit",
        help_text=gettext_lazy("How your training scaled pixels before the network saw them."),
    )  # fmt: skip
    value_range = forms.CharField(
        label=gettext_lazy("The range"), required=False, widget=forms.TextInput(attrs=_PLAIN),
        help_text=gettext_lazy("Only for a range: two numbers, such as -1000 to 400."),
    )  # fmt: skip
    orientation = forms.RegexField(
        r"^(?:[RLAPSI]{3})?\Z", label=gettext_lazy("Orientation of a volume"), required=False,
        widget=forms.TextInput(attrs=_PLAIN),
        help_text=gettext_lazy("Three letters, one for each axis, such as RAS; empty: as stored."),
        error_messages={"invalid": gettext_lazy("Write three of R L A P S I, such as RAS.")},
    )  # fmt: skip
    spacing = forms.CharField(
        label=gettext_lazy("Voxel size of a volume, mm"), required=False,
        widget=forms.TextInput(attrs=_PLAIN),
        help_text=gettext_lazy("Three numbers, such as 1 × 1 × 1; empty: as stored."),
    )  # fmt: skip
    activation = forms.ChoiceField(
        label=gettext_lazy("What it returns"),
        choices=[
            ("", gettext_lazy("Let the labels decide")),
            ("sigmoid", gettext_lazy("Scores (logits): each label for itself")),
            ("softmax", gettext_lazy("Scores (logits): exactly one label wins")),
            ("none", gettext_lazy("Probabilities already")),
        ],
        required=False,
        help_text=gettext_lazy("Probabilities where a sigmoid or softmax is its last layer."),
    )
    threshold = forms.FloatField(
        label=gettext_lazy("Threshold"), initial=0.5, min_value=0.01, max_value=1,
        help_text=gettext_lazy("From this probability on a pixel or label counts as found."),
    )  # fmt: skip
    network = forms.CharField(
        label=gettext_lazy("Network"), required=False,
        widget=forms.Textarea(attrs={"rows": 4, **_PLAIN}),
        help_text=gettext_lazy(
            "The MONAI class that these numbers belong to and its arguments, as JSON: "
            '{"_target_": "monai.networks.nets.UNet", "spatial_dims": 2, "in_channels": 1,'
            ' "out_channels": 1, "channels": [16, 32], "strides": [2]}.'
            " Without it: export to ONNX and send that."
        ),
    )  # fmt: skip
    intended_use = forms.CharField(
        label=gettext_lazy("Meant for"), max_length=1000, widget=forms.TextInput(attrs=_LONG),
        help_text=gettext_lazy("One sentence that a reader of the result understands."),
    )  # fmt: skip
    training_data = forms.CharField(
        label=gettext_lazy("Trained on"), max_length=1000, widget=forms.TextInput(attrs=_LONG),
        help_text=gettext_lazy("Which images, how many, from where."),
    )  # fmt: skip
    evaluation = forms.CharField(
        label=gettext_lazy("Measured"), max_length=1000, widget=forms.TextInput(attrs=_LONG),
        help_text=gettext_lazy("Where and how well, such as Dice 0.91 on 60 images of set A."),
    )  # fmt: skip
    limitations = forms.CharField(
        label=gettext_lazy("Limits"), max_length=1000, widget=forms.TextInput(attrs=_LONG),
        help_text=gettext_lazy("What it was never shown: children, other scanners, other views."),
    )  # fmt: skip
    licence = forms.CharField(
        label=gettext_lazy("Licence"), max_length=200,
        help_text=gettext_lazy("Such as MIT, CC BY 4.0, or: for this hospital only."),
    )  # fmt: skip
    authors = forms.CharField(
        label=gettext_lazy("Authors"), max_length=500,
        help_text=gettext_lazy("Several with commas."),
    )  # fmt: skip
    GROUPS = (
        (gettext_lazy("Its name"), ("name", "version", "type", "modality")),
        (
            gettext_lazy("What it reads"),
            (
                "size", "any_size", "channels", "values", "value_range", "orientation", "spacing",
            ),
        ),
        (gettext_lazy("What it answers"), ("labels", "activation", "threshold", "network")),
        (
            gettext_lazy("Its card, which everybody reads beside the result"),
            (
                "intended_use", "training_data", "evaluation", "limitations", "licence", "authors",
            ),
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, told: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.told = told
        if not told["needs_network"]:
            del self.fields["network"]
        if told["dims"] == 2:
            del self.fields["orientation"], self.fields["spacing"]
        if told["is_any_size"] or told["size"] is None:
            return
        del self.fields["any_size"]  # the file says that it does not

    def groups(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        for title, names in self.GROUPS:
            yield title, [self[name] for name in names if name in self.fields]

    def clean_labels(self) -> list[str]:
        names = [line.strip() for line in self.cleaned_data["labels"].splitlines() if line.strip()]
        if len({name.casefold() for name in names}) != len(names):
            raise ValidationError(_("A label stands twice."))
        return names

    def clean_size(self) -> list[int]:
        sizes = _numbers(self.cleaned_data["size"])
        if len(sizes) not in (2, 3) or not all(one.is_integer() for one in sizes):
            raise ValidationError(_("Write two or three whole numbers, such as 224 × 224."))
        if not all(1 <= one <= 16384 for one in sizes):
            raise ValidationError(_("Each number lies between 1 and 16384."))
        dims = self.told["dims"]
        if dims and dims != len(sizes):
            raise ValidationError(
                _("The network reads %(n)d axes: write %(n)d numbers.") % {"n": dims}
            )
        return [int(one) for one in sizes]

    def clean_spacing(self) -> list[float] | None:
        text = self.cleaned_data["spacing"].strip()
        sizes = _numbers(text)
        if text and (len(sizes) != 3 or not all(0 < one <= 100 for one in sizes)):
            raise ValidationError(_("Write three numbers above zero, such as 1 × 1 × 1."))
        return sizes or None

    def clean_network(self) -> dict[str, Any] | None:
        text = self.cleaned_data["network"].strip()
        if not text:
            raise ValidationError(
                _("The file holds numbers alone: name the network, or send ONNX instead.")
            )
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise ValidationError(_("This is not JSON.")) from None
        if not isinstance(found, dict):
            raise ValidationError(_("Write one object, in braces."))
        return found

    def clean(self) -> dict[str, Any]:
        """Hold the answers against each other and against what the file says."""
        told = super().clean() or self.cleaned_data
        found = _numbers(told.get("value_range", ""))
        if told.get("values") == "range" and (len(found) != 2 or found[0] >= found[1]):
            self.add_error("value_range", _("Write the lower and the upper value."))
        told["value_range"] = found
        if told.get("values") == "imagenet" and told.get("channels") != "3":
            self.add_error("values", _("ImageNet's values are those of three channels."))
        # of numbers alone the outputs are a guess; the worker counts those of the named network
        want = None if self.told["needs_network"] else self.told["labels"]
        names = told.get("labels")
        is_two_for_one = want == 1 and names and len(names) == 2 and told["type"] == "segmentation"
        if want and names and len(names) != want and not is_two_for_one:
            self.add_error(
                "labels",
                _("The network has %(want)d outputs, and %(have)d labels are named.")
                % {"want": want, "have": len(names)},
            )
        return told


def _numbers(text: str) -> list[float]:
    """Return the numbers in 224 × 224, 224x224, -1000 to 400 or 1, 1, 2."""
    return [float(one.replace("−", "-")) for one in _NUMBER.findall(text)]
