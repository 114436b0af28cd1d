"""The administrator's page of the letterhead: what reports carry, and the draft of the next."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import answers_data, requires, step_up
from accounts.models import Organisation
from accounts.selectors import home_organisation
from accounts.throttle import limited
from imaging.ranges import blob_response
from imaging.services.refusals import NotPossible
from reports.letterhead.life import (
    MANAGE,
    letterhead_at,
    letterhead_save,
    letterhead_use,
    letterheads_managed_by,
)
from reports.models import Letterhead

LOGO_BYTES = 1 << 20
LINES, LINE_LENGTH = 4, 60
SHOWN = 20


class LetterheadForm(forms.Form):
    """What stands on every report: plain text and a picture, nothing else."""

    logo = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        help_text=gettext_lazy("PNG or JPEG, at most 1 MB and 4 megapixels. It is drawn anew."),
        widget=forms.FileInput(attrs={"accept": ".png,.jpg,.jpeg"}),
    )
    without_logo = forms.BooleanField(label=gettext_lazy("Print no logo"), required=False)
    heading = forms.CharField(label=gettext_lazy("Heading"), required=False, max_length=80)
    address = forms.CharField(
        label=gettext_lazy("Address"),
        required=False,
        max_length=250,
        widget=forms.Textarea(attrs={"rows": LINES}),
        help_text=gettext_lazy("At most four lines of 60 letters."),
    )
    closing = forms.CharField(
        label=gettext_lazy("Closing text"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Two lines at the foot of the page, at most 300 letters."),
    )

    def clean_logo(self):
        logo = self.cleaned_data["logo"]
        if logo is not None and logo.size > LOGO_BYTES:
            raise ValidationError(_("This file is larger than 1 MB. Send a smaller logo."))
        return logo

    def clean_heading(self) -> str:
        return " ".join(self.cleaned_data["heading"].split())

    def clean_closing(self) -> str:
        return " ".join(self.cleaned_data["closing"].split())

    def clean_address(self) -> str:
        lines = [" ".join(line.split()) for line in self.cleaned_data["address"].splitlines()]
        lines = [line for line in lines if line]
        if len(lines) > LINES or any(len(line) > LINE_LENGTH for line in lines):
            raise ValidationError(_("Write at most four lines of 60 letters."))
        return "\n".join(lines)

    def words(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("heading", "address", "closing")}


@require_http_methods(["GET", "POST"])
@requires("letterhead.manage")
@step_up
@limited("letterhead", "10/m")
def letterhead(request: HttpRequest) -> HttpResponse:
    """Show what reports carry, and take the draft of what they shall carry."""
    organisation = home_organisation(request.user, MANAGE)
    if request.method == "GET":
        newest = organisation.letterheads.order_by("-number").first()
        names = ("heading", "address", "closing")
        form = LetterheadForm(initial={name: getattr(newest, name, "") for name in names})
    else:
        form = LetterheadForm(request.POST, request.FILES)
        if form.is_valid() and _kept(request, organisation, form):
            messages.success(request, _("Kept as a draft. Look at it, then put it into use."))
            return redirect("reports:letterhead")
    context = {"form": form, **_shown(organisation)}
    return render(request, "reports/letterhead.html", context, status=422 if form.errors else 200)


def _kept(request: HttpRequest, organisation: Organisation, form: LetterheadForm) -> bool:
    try:
        letterhead_save(
            user=request.user, organisation=organisation, words=form.words(),
            logo=form.cleaned_data["logo"], keeps_logo=not form.cleaned_data["without_logo"],
        )  # fmt: skip
    except NotPossible as problem:
        form.add_error("logo", str(problem))
    return not form.errors


@require_GET
@answers_data
@requires("letterhead.manage")
def letterhead_status(request: HttpRequest) -> HttpResponse:
    """Answer the draft as it stands; the partial polls itself only while it is drawn."""
    if not request.htmx:
        return redirect("reports:letterhead")
    organisation = home_organisation(request.user, MANAGE)
    return render(request, "reports/partials/letterhead_draft.html", _shown(organisation))


@require_GET
@requires("letterhead.manage")
def letterhead_logo(request: HttpRequest, pk) -> HttpResponse:
    return _file(request, _mine(request, pk).logo, content_type="image/png")


@require_GET
@requires("letterhead.manage")
def letterhead_specimen(request: HttpRequest, pk) -> HttpResponse:
    found = _mine(request, pk)
    name = f"specimen-{found.number}.pdf"
    return _file(request, found.specimen, content_type="application/pdf", filename=name)


@require_POST
@requires("letterhead.manage")
@step_up
def letterhead_use_view(request: HttpRequest, pk) -> HttpResponse:
    try:
        letterhead_use(user=request.user, letterhead=_mine(request, pk))
        messages.success(
            request, _("In use. Signed reports keep what they had when they were signed.")
        )
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    return redirect("reports:letterhead")


def _mine(request: HttpRequest, pk) -> Letterhead:
    rows = letterheads_managed_by(request.user).select_related("logo", "specimen")
    return get_object_or_404(rows, pk=pk)


def _file(request: HttpRequest, blob, **how) -> HttpResponse:
    if blob is None:
        raise Http404
    return blob_response(request, blob, **how)


def _shown(organisation) -> dict:
    rows = organisation.letterheads.select_related("created_by", "used_by")
    newest = rows.first()
    return {
        "organisation": organisation,
        "current": letterhead_at(organisation.pk, now()),
        "draft": newest if newest and newest.used_at is None else None,
        "earlier": rows.exclude(used_at=None).order_by("-used_at")[:SHOWN],
    }
