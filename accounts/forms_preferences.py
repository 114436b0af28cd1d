"""How a person wants to be named, shown the pages and written to."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.preferences import FIELDS

SYSTEM = "system"
THEMES = {SYSTEM: _("As the device has it"), "light": _("Light"), "dark": _("Dark")}


class PreferencesForm(forms.Form):
    """`palettes` are name and words of the colours there are: whoever draws knows them."""

    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=_("As it should stand in reports and on screen."),
    )
    theme = forms.ChoiceField(
        label=_("Theme"), choices=list(THEMES.items()), widget=forms.RadioSelect
    )
    palette = forms.ChoiceField(label=_("Colours of the heatmap"), widget=forms.RadioSelect)
    shortcuts = forms.BooleanField(label=_("Keyboard shortcuts are on"), required=False)
    mails_runs = forms.BooleanField(
        label=_("Also write me an e-mail when a run of mine has finished"),
        required=False,
        help_text=_(
            "In the app you are told in any case. The mail names no patient: it says how many"
            " images succeeded and failed, and holds a link."
        ),
    )

    def __init__(self, data=None, *, user, palettes: Mapping[str, object]) -> None:
        kept = {name: getattr(user, name) for name in FIELDS}
        self._first = next(iter(palettes))
        kept["theme"] = user.theme or SYSTEM
        kept["palette"] = user.palette if user.palette in palettes else self._first
        super().__init__(data, initial=kept)
        self.fields["palette"].choices = list(palettes.items())

    def clean_theme(self) -> str:
        """The row holds nothing where the device decides."""
        chosen = self.cleaned_data["theme"]
        return "" if chosen == SYSTEM else chosen

    def clean_palette(self) -> str:
        """The first is what there is without a choice."""
        chosen = self.cleaned_data["palette"]
        return "" if chosen == self._first else chosen


def one_preference(data, *, user, palettes: Mapping[str, object]) -> PreferencesForm:
    """Return the form as if all but what `data` names had been sent as it is kept."""
    kept = PreferencesForm(user=user, palettes=palettes).initial
    return PreferencesForm(kept | data.dict(), user=user, palettes=palettes)
