"""What the audit page may be asked; a wrong answer is refused, never left out."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import GROUPS, OUTCOMES


class TrailForm(forms.Form):
    """The filters in the address; none holds a name."""

    who = forms.UUIDField(required=False, widget=forms.HiddenInput)
    group = forms.ChoiceField(
        label=_("What"),
        required=False,
        choices=[("", _("Everything")), *((name, _(words)) for name, words in GROUPS.items())],
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        required=False,
        choices=[("", _("Any outcome")), *((one, _(one)) for one in OUTCOMES)],
    )
    object = forms.CharField(
        label=_("Object or patient"),
        required=False,
        max_length=128,
        help_text=_("Its id, from its address: study:… or the id alone."),
    )
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    after = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    @property
    def chosen(self) -> dict:
        """The filters that are set, as the address holds them; without the place in the list."""
        names = ("who", "group", "outcome", "object", "since", "until")
        return {name: self.data.get(name, "") for name in names if self.data.get(name)}


class PersonForm(forms.Form):
    """An exact address, sent by POST: no e-mail stands in a URL."""

    email = forms.EmailField(label=_("Person, by e-mail"), max_length=254)
