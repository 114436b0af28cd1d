"""What an administrator fills in to add a model: a ZIP of its folder, or a file and a few words."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.inference.metadata import ACTIVATIONS, NAME, SEMVER, TYPES
from imaging.inference.model_files import SUFFIXES
from imaging.models import Modality

FRAMEWORKS = {**SUFFIXES, ".hdf5": "tensorflow"}
ANCHORED_NAME, ANCHORED_VERSION = (rf"^(?:{one.pattern})\Z" for one in (NAME, SEMVER))
_LONG = {"class": "vLargeTextField"}  # as wide as the admin's own
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class ModelZipForm(forms.Form):
    """The model's folder as one ZIP."""

    zip = forms.FileField(
        label=gettext_lazy("ZIP of the model's folder"),
        help_text=gettext_lazy("metadata.json, one file named model.*, README.md, LICENSE."),
    )


class WeightFileForm(forms.Form):
    """One weight file and what its metadata.json would say."""

    file = forms.FileField(
        label=gettext_lazy("Weight file"),
        help_text=gettext_lazy(
            ".pt or .pth (a state dict, or saved whole), .safetensors, .onnx, .keras or .h5"
        ),
    )
    name = forms.RegexField(
        ANCHORED_NAME, label=gettext_lazy("Name"), max_length=64,
        widget=forms.TextInput(attrs=_PLAIN),
        help_text=gettext_lazy("Small letters, digits, dots and dashes, such as chest-effusion."),
        error_messages={"invalid": gettext_lazy("Use a-z, 0-9, dot, dash and underscore.")},
    )  # fmt: skip
    version = forms.RegexField(
        ANCHORED_VERSION, label=gettext_lazy("Version"), initial="1.0.0", max_length=32,
        widget=forms.TextInput(attrs=_PLAIN),
        error_messages={"invalid": gettext_lazy("Write three numbers, such as 1.0.0.")},
    )  # fmt: skip
    type = forms.ChoiceField(
        label=gettext_lazy("What it does"), choices=[(one, one.capitalize()) for one in TYPES],
        initial="segmentation",
    )  # fmt: skip
    modality = forms.MultipleChoiceField(
        label=gettext_lazy("Images it was made for"), choices=Modality.choices,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    labels = forms.CharField(
        label=gettext_lazy("Labels"), widget=forms.Textarea(attrs={"rows": 3, **_PLAIN}),
        help_text=gettext_lazy(
            "One a line, in the order of the network's outputs; background first where it is one."
        ),
    )  # fmt: skip
    size = forms.CharField(
        label=gettext_lazy("Input size"), widget=forms.TextInput(attrs=_PLAIN),
        help_text=gettext_lazy("Height and width, such as 224 × 224; three numbers for a volume."),
    )  # fmt: skip
    channels = forms.ChoiceField(
        label=gettext_lazy("Channels"),
        choices=[("1", gettext_lazy("1, grey")), ("3", gettext_lazy("3, grey repeated"))],
    )
    any_size = forms.BooleanField(
        label=gettext_lazy("The network takes any size"), required=False,
        help_text=gettext_lazy("Otherwise exactly the size above."),
    )  # fmt: skip
    normalize = forms.BooleanField(
        label=gettext_lazy("Scale values to 0–1"), required=False, initial=True
    )
    activation = forms.ChoiceField(
        label=gettext_lazy("What it returns"),
        choices=[
            ("", gettext_lazy("Let the labels decide")),
            ("sigmoid", gettext_lazy("Logits, a sigmoid each")),
            ("softmax", gettext_lazy("Logits, one softmax")),
            ("none", gettext_lazy("Probabilities already")),
        ],
        required=False,
    )
    threshold = forms.FloatField(
        label=gettext_lazy("Threshold"), initial=0.5, min_value=0.01, max_value=1
    )
    network = forms.CharField(
        label=gettext_lazy("Network"), required=False,
        widget=forms.Textarea(attrs={"rows": 3, **_PLAIN}),
        help_text=gettext_lazy(
            "Only for a state dict: the MONAI class and its arguments as JSON,"
            ' {"_target_": "monai.networks.nets.UNet", …}.'
        ),
    )  # fmt: skip
    intended_use = forms.CharField(
        label=gettext_lazy("Meant for"), max_length=1000, widget=forms.TextInput(attrs=_LONG)
    )
    training_data = forms.CharField(
        label=gettext_lazy("Trained on"), max_length=1000, widget=forms.TextInput(attrs=_LONG)
    )
    evaluation = forms.CharField(
        label=gettext_lazy("Measured"), max_length=1000, widget=forms.TextInput(attrs=_LONG),
        help_text=gettext_lazy("Where and how well, such as Dice 0.91 on 60 images of set A."),
    )  # fmt: skip
    limitations = forms.CharField(
        label=gettext_lazy("Limits"), max_length=1000, widget=forms.TextInput(attrs=_LONG)
    )
    licence = forms.CharField(label=gettext_lazy("Licence"), max_length=200)
    authors = forms.CharField(
        label=gettext_lazy("Authors"), max_length=500, help_text=gettext_lazy("With commas.")
    )

    def clean_labels(self) -> list[str]:
        names = [line.strip() for line in self.cleaned_data["labels"].splitlines() if line.strip()]
        if len({name.casefold() for name in names}) != len(names):
            raise ValidationError(_("A label stands twice."))
        return names

    def clean_size(self) -> list[int]:
        text = self.cleaned_data["size"].replace("×", " ").replace("x", " ").replace(",", " ")
        parts = text.split()
        if len(parts) not in (2, 3) or not all(one.isdecimal() for one in parts):
            raise ValidationError(_("Write two or three whole numbers, such as 224 × 224."))
        sizes = [int(one) for one in parts]
        if not all(1 <= one <= 16384 for one in sizes):
            raise ValidationError(_("Each number lies between 1 and 16384."))
        return sizes

    def clean_network(self) -> dict[str, Any] | None:
        text = self.cleaned_data["network"].strip()
        if not text:
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise ValidationError(_("This is not JSON.")) from None
        if not isinstance(found, dict):
            raise ValidationError(_("Write one object, in braces."))
        return found

    def clean_file(self):
        file = self.cleaned_data["file"]
        ending = f".{file.name.rpartition('.')[2].lower()}"
        if ending == ".zip":
            raise ValidationError(_("A ZIP goes into the form above."))
        return file

    def metadata(self) -> dict[str, Any]:
        """Return the metadata.json that these answers make; the worker checks it as any other."""
        told = self.cleaned_data
        ending = f".{told['file'].name.rpartition('.')[2].lower()}"
        framework = FRAMEWORKS.get(ending, "pytorch")
        record: dict[str, Any] = {
            "name": told["name"],
            "type": told["type"],
            "framework": framework,
            "version": told["version"],
            **_shapes(told, is_last=framework == "tensorflow"),
            "modality": told["modality"],
            "labels": {str(n): name for n, name in enumerate(told["labels"])},
            "preprocessing": {"normalize": told["normalize"], "target_size": told["size"]},
            "threshold": told["threshold"],
            "card": {
                "authors": [one.strip() for one in told["authors"].split(",") if one.strip()],
                "evaluation": {"summary": told["evaluation"]},
                **{key: told[key] for key in _CARD_TEXTS},
            },
        }
        if told["activation"] in ACTIVATIONS:
            record["activation"] = told["activation"]
        if told["network"] is not None:
            record["network"] = told["network"]
        return record


_CARD_TEXTS = ("intended_use", "training_data", "limitations", "licence")


def _shapes(told: dict[str, Any], *, is_last: bool) -> dict[str, list]:
    """Return input_shape and output_shape as the framework writes them."""
    grid = [None] * len(told["size"]) if told["any_size"] else told["size"]

    def shape(channels: int) -> list:
        return [None, *grid, channels] if is_last else [None, channels, *grid]

    count = len(told["labels"])
    outputs = {
        "segmentation": shape(count),
        "classification": [None, count],
        "detection": [[None, 4], [None], [None]],
    }
    return {"input_shape": shape(int(told["channels"])), "output_shape": outputs[told["type"]]}
