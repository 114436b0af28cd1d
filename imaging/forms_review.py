"""The reader's forms: a verdict that nobody chose beforehand, and the signature below it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms_factors import StepUp
from imaging.models import Decision, Meaning, RejectReason

BYTES_PER_PIXEL, MOST_HEADER = 8, 1 << 20  # a NIfTI file of float64, and what stands before it
UNSAID = {"plane": "", "slices": (), "base": 0, "level": 1}
CHOICES = [
    (Decision.ACCEPTED, _("Accept")),
    (Decision.EDITED, _("Edit")),
    (Decision.REJECTED, _("Reject")),
]


class ReviewForm(forms.Form):
    """`seen` is the version that its reader looked at: 0 where there was none."""

    decision = forms.ChoiceField(
        label=_("Your decision"),
        choices=CHOICES,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one: accept, edit or reject.")},
    )
    reason = forms.ChoiceField(
        label=_("Why rejected"),
        required=False,
        choices=[("", _("Choose a reason")), *RejectReason.choices],
        widget=forms.Select(attrs={"class": "sel"}),
    )
    comment = forms.CharField(
        label=_("Impression"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("In your own words; it stands on the report."),
    )
    amendment = forms.CharField(
        label=_("Why it is amended"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The signed version stays readable; this one follows it."),
    )
    threshold = forms.FloatField(required=False, widget=forms.HiddenInput)
    removed = forms.TypedMultipleChoiceField(coerce=int, required=False)
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(
        self, *args, signed: bool = False, editable: bool = True, lesions: int = 0, **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["removed"].choices = [(n, f"L{n}") for n in range(1, lesions + 1)]
        if not signed:
            del self.fields["amendment"]
        if not editable:  # without a mask there is no threshold to move
            self.fields["decision"].choices = [c for c in CHOICES if c[0] != Decision.EDITED]

    def clean(self) -> dict:
        cleaned = super().clean()
        if cleaned.get("removed"):
            self._edit_by(cleaned)
        if cleaned.get("decision") == Decision.REJECTED and not cleaned.get("reason"):
            self.add_error("reason", _("Choose why the result is rejected."))
        return cleaned

    def _edit_by(self, cleaned: dict) -> None:
        """Who removes regions edits: unsaid it is so, another choice contradicts it."""
        if not self.data.get("decision"):
            del self.errors["decision"]
            cleaned["decision"] = Decision.EDITED
        elif cleaned.get("decision") not in (None, Decision.EDITED):
            said = _("You removed regions: choose Edit, or keep them all.")
            self.add_error("decision", said)


class SliceNumbers(forms.CharField):
    """Slices counted from 1, as addresses count them: "4,5,9", rising. Cleans to indices from 0."""

    def clean(self, value) -> tuple[int, ...]:
        text = super().clean(value)
        try:
            found = tuple(int(one) - 1 for one in text.split(",")) if text else ()
        except ValueError:
            found = (-1,)
        if found and (found[0] < 0 or list(found) != sorted(set(found))):
            raise forms.ValidationError(_("The numbers of the slices are not in order."))
        return found


class PaintForm(forms.Form):
    """What was painted, packed by the page's script (`Painting`), with its words."""

    bits = forms.FileField(
        widget=forms.FileInput(attrs={"hidden": True}),
        label=_("Painted mask"),
        error_messages={"required": _("Nothing was painted: paint first, then save.")},
    )
    plane = forms.SlugField(required=False)
    slices = SliceNumbers(required=False, max_length=20_000)
    base = forms.IntegerField(required=False, min_value=0, max_value=32_767)
    level = forms.IntegerField(required=False, min_value=1, max_value=255)
    comment = forms.CharField(
        label=_("Impression"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    amendment = forms.CharField(
        label=_("Why it is amended"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args, largest: int = 0, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.largest = largest

    def clean_bits(self) -> bytes:
        """Read the bits, unless they are more than any painting of this image."""
        file = self.cleaned_data["bits"]
        if file.size > self.largest:
            raise forms.ValidationError(_("Too much was painted at once: save, then paint on."))
        return file.read()

    def clean(self) -> dict:
        """Set what was not said: the whole image, over the models' map."""
        cleaned = super().clean()
        return cleaned | {name: cleaned.get(name) or least for name, least in UNSAID.items()}

    def sentences(self) -> list[str]:
        """Return what is wrong, as the page's script shows it."""
        return [str(one) for errors in self.errors.values() for one in errors]


class MaskForm(forms.Form):
    """A mask that was drawn elsewhere, as a file; the worker reads it."""

    file = forms.FileField(
        label=_("Edited mask"),
        help_text=_("A PNG or NIfTI file on the image's own grid: 0, and one other value."),
        error_messages={"required": _("Choose the file of the mask.")},
        widget=forms.FileInput(attrs={"accept": ".png,.nii,.gz"}),
    )
    comment = forms.CharField(
        label=_("Impression"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    amendment = forms.CharField(
        label=_("Why it is amended"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args, signed: bool = False, pixels: int = 0, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.largest = pixels * BYTES_PER_PIXEL + MOST_HEADER
        if not signed:
            del self.fields["amendment"]

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > self.largest:
            raise forms.ValidationError(
                _("“%(name)s” is larger than any mask of this image. Choose the mask's own file.")
                % {"name": file.name}
            )
        return file


class SignForm(StepUp):
    """Meaning, then who signs: password and code; the password once in a session."""

    meaning = forms.ChoiceField(
        label=_("Meaning of the signature"),
        choices=Meaning,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what your signature means.")},
    )
    field_order = ["meaning", "password", "code"]

    def __init__(self, *args, asks_password: bool, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not asks_password:
            del self.fields["password"]
