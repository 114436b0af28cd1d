"""What an administrator says about a new API key."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.tokens.scopes import SCOPES

DAYS = [(7, _("7 days")), (30, _("30 days")), (90, _("90 days"))]


class ApiKeyForm(forms.Form):
    """The form's own id makes it one key, however often it is sent."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label=_("Organisation"), empty_label=None
    )
    name = forms.CharField(
        label=_("Machine"),
        max_length=100,
        help_text=_(
            "As it should stand in the audit trail, for instance “PACS gateway”. A name that is"
            " there already gets a further key, so that you can change keys without a gap."
        ),
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=[(name, _(words)) for name, words in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "checks"}),
        help_text=_("Only what it needs. A scope cannot be added later; make a new key instead."),
        error_messages={"required": _("Choose at least one.")},
    )
    days = forms.TypedChoiceField(label=_("It expires after"), choices=DAYS, coerce=int, initial=90)
    networks = forms.CharField(
        label=_("Only from these addresses"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One address or network on a line, for instance 10.1.0.0/16. Empty: anywhere."),
    )

    def __init__(self, *args, organisations, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations
        only = organisations[:2]
        if len(only) == 1:  # nothing to choose
            self.fields["organisation"].widget = forms.HiddenInput()
            self.fields["organisation"].initial = only[0].pk

    def clean_networks(self) -> list[str]:
        entries = self.cleaned_data["networks"].replace(",", " ").split()
        return list(dict.fromkeys(map(_network, entries)))

    def wanted(self) -> dict:
        """Return what `api_key_create` takes."""
        data = self.cleaned_data
        taken = {name: data[name] for name in ("organisation", "name", "scopes", "networks")}
        return taken | {"pk": data["id"], "expires_at": now() + timedelta(days=data["days"])}


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValidationError(
            _("“%(text)s” is no address or network."), params={"text": text}
        ) from None
