"""A person's page for 3D Slicer: make a server address for an hour, look at those open, end one."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import requires, step_up_to_send
from accounts.models import LabelToken
from accounts.services.label_tokens import TokenExists, label_token_create, label_token_revoke
from imaging.monai_label.entry import address_of
from imaging.monai_label.rooms import SEE
from imaging.places import Place, places_of


class AddressForm(forms.Form):
    """Where the client works. The form's own id makes it one address, however often it is sent."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    place = forms.ChoiceField(
        label=gettext_lazy("Where it works"),
        help_text=gettext_lazy(
            "It sees the pictures that you see there, and files new ones there."
        ),
    )

    def __init__(self, *args, places: Sequence[Place], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._places = {one.key: one for one in places}
        self.fields["place"].choices = [(key, str(one)) for key, one in self._places.items()]
        if len(places) == 1:  # nothing to choose
            self.fields["place"].widget = forms.HiddenInput()
            self.fields["place"].initial = places[0].key

    def wanted(self) -> dict:
        """Return what `label_token_create` takes."""
        place = self._places[self.cleaned_data["place"]]
        return {
            "organisation": place.organisation,
            "department": place.department,
            "pk": self.cleaned_data["id"],
        }


@requires(SEE)
@step_up_to_send
@require_http_methods(["GET", "HEAD", "POST"])
def slicer(request: HttpRequest) -> HttpResponse:
    """Show what is open and the form; a POST makes an address and shows it, this once."""
    form = AddressForm(request.POST or None, places=places_of(request.user, SEE))
    if form.is_valid():
        try:
            token, secret = label_token_create(user=request.user, **form.wanted())
        except TokenExists:
            messages.info(request, _("This address was made already. It is not shown again."))
            return redirect("imaging:slicer")
        except ValidationError as error:
            form.add_error(None, error)
        else:
            shown = {"token": token, "address": address_of(secret)}
            return render(request, "imaging/slicer_address.html", shown, status=HTTPStatus.CREATED)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    shown = {"form": form, "tokens": _mine(request).live()}
    return render(request, "imaging/slicer.html", shown, status=status)


@require_POST
@requires(SEE)
def slicer_end(request: HttpRequest, pk) -> HttpResponse:
    token = get_object_or_404(_mine(request), pk=pk)
    if label_token_revoke(token=token, by=request.user):
        messages.success(request, _("The address was revoked. It opens nothing any more."))
    return redirect("imaging:slicer")


def _mine(request: HttpRequest):
    return LabelToken.objects.filter(user=request.user).select_related("organisation", "department")
