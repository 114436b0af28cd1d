"""What an administrator says about an endpoint of webhooks."""

from __future__ import annotations

from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from accounts.services.webhooks import url_check
from accounts.webhooks.addresses import MOST_URL
from accounts.webhooks.events import EVENTS


class EndpointForm(forms.Form):
    """An address, and what it is told of."""

    url = forms.CharField(
        label=_("Address"),
        max_length=MOST_URL,
        validators=[url_check],
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("It begins with https://, and its host has public addresses."),
    )
    events = forms.MultipleChoiceField(
        label=_("It is told when"),
        choices=[(name, _(words)) for name, words in EVENTS.items()],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "checks"}),
        error_messages={"required": _("Choose at least one.")},
    )


class NewEndpointForm(EndpointForm):
    """The form's own id makes it one endpoint, however often it is sent."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label=_("Organisation"), empty_label=None
    )
    field_order = ("id", "organisation", "url", "events")

    def __init__(self, *args, organisations, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations
        only = organisations[:2]
        if len(only) == 1:  # nothing to choose
            self.fields["organisation"].widget = forms.HiddenInput()
            self.fields["organisation"].initial = only[0].pk

    def wanted(self) -> dict:
        """Return what `webhook_create` takes."""
        data = self.cleaned_data
        return {name: data[name] for name in ("organisation", "url", "events")} | {"pk": data["id"]}
