"""The pages where an organisation's people, roles and departments are kept."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires, signed_in, step_up
from accounts.forms_people import DepartmentForm, InvitationForm, UntilForm
from accounts.models import Department, Invitation, Membership, Organisation
from accounts.selectors import may_at, organisations_of
from accounts.services.invitations import (
    invitation_accept,
    invitation_send,
    invitation_withdraw,
    invitations_of,
)
from accounts.services.memberships import (
    department_create,
    department_rename,
    membership_change,
    membership_end,
)


@require_GET
@requires("people.view")
def people_list(request: HttpRequest, pk=None) -> HttpResponse:
    return _page(request, _organisation(request, pk))


@require_POST
@requires("people.manage")
@step_up
def invite(request: HttpRequest, pk) -> HttpResponse:
    organisation = _organisation(request, pk)
    form = InvitationForm(request.POST, organisation=organisation)
    if form.is_valid():
        sent = _try(
            form, invitation_send, by=request.user, organisation=organisation, **form.cleaned_data
        )
        if sent:
            messages.success(request, _("The invitation was sent."))
            return redirect("people:list", organisation.pk)
    return _page(request, organisation, invitation_form=form)


@require_POST
@requires("people.manage")
@step_up
def department_add(request: HttpRequest, pk) -> HttpResponse:
    organisation = _organisation(request, pk)
    form = DepartmentForm(request.POST)
    if form.is_valid() and _try(
        form, department_create, by=request.user, organisation=organisation, **form.cleaned_data
    ):
        return redirect("people:list", organisation.pk)
    return _page(request, organisation, department_form=form)


@require_POST
@requires("people.manage")
@step_up
def department_rename_view(request: HttpRequest, pk) -> HttpResponse:
    mine = organisations_of(request.user, "people.manage")
    rows = Department.objects.filter(organisation__in=mine).select_related("organisation")
    department = get_object_or_404(rows, pk=pk)
    form = DepartmentForm(request.POST)
    if form.is_valid():
        _try(form, department_rename, by=request.user, department=department, **form.cleaned_data)
    for sentence in _sentences(form):
        messages.error(request, sentence)
    return redirect("people:list", department.organisation_id)


@require_POST
@requires("people.manage")
@step_up
def membership_change_view(request: HttpRequest, pk) -> HttpResponse:
    membership = _membership(request, pk)
    form = UntilForm(request.POST)
    if form.is_valid():
        _try(form, membership_change, by=request.user, membership=membership, **form.cleaned_data)
    for sentence in _sentences(form):
        messages.error(request, sentence)
    return redirect("people:list", membership.organisation_id)


@require_POST
@requires("people.manage")
@step_up
def membership_end_view(request: HttpRequest, pk) -> HttpResponse:
    membership = _membership(request, pk)
    try:
        membership_end(by=request.user, membership=membership)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("people:list", membership.organisation_id)


@require_POST
@requires("people.manage")
@step_up
def invitation_withdraw_view(request: HttpRequest, pk) -> HttpResponse:
    mine = organisations_of(request.user, "people.manage")
    invitation = get_object_or_404(Invitation.objects.filter(organisation__in=mine), pk=pk)
    invitation_withdraw(by=request.user, invitation=invitation)
    return redirect("people:list", invitation.organisation_id)


@require_GET
@signed_in
def invitation_list(request: HttpRequest) -> HttpResponse:
    found = invitations_of(request.user).select_related("organisation", "department")
    return render(request, "accounts/invitation_list.html", {"invitations": found})


@require_POST
@signed_in
def invitation_accept_view(request: HttpRequest, pk) -> HttpResponse:
    invitation = get_object_or_404(invitations_of(request.user), pk=pk)
    try:
        invitation_accept(user=request.user, invitation=invitation, request=request)
    except (ValidationError, PermissionDenied) as error:
        messages.error(request, " ".join(getattr(error, "messages", [str(error)])))
        return redirect("people:invitations")
    messages.success(request, _("You have joined."))
    return redirect("analytics:dashboard")


def _page(request: HttpRequest, organisation: Organisation, **forms) -> HttpResponse:
    may_manage = may_at(request.user, "people.manage", organisation.pk)
    memberships = (
        organisation.memberships.current().of_people().select_related("user", "department")
    )
    context = {
        "organisation": organisation,
        "organisations": organisations_of(request.user, "people.view"),
        "memberships": memberships.order_by("user__email", "created_at"),
        "invitations": organisation.invitations.select_related("department"),
        "departments": organisation.departments.all(),
        "may_manage": may_manage,
        "invitation_form": InvitationForm(organisation=organisation),
        "department_form": DepartmentForm(),
        **forms,
    }
    status = 422 if any(form.errors for form in forms.values()) else 200
    return render(request, "accounts/people_list.html", context, status=status)


def _organisation(request: HttpRequest, pk) -> Organisation:
    """The organisation meant, of those whose people this person sees; unnamed, the first."""
    found = organisations_of(request.user, "people.view").select_related("plan").order_by("name")
    organisation = found.filter(pk=pk).first() if pk else found.first()
    if organisation is None:
        raise Http404
    return organisation


def _membership(request: HttpRequest, pk) -> Membership:
    mine = organisations_of(request.user, "people.manage")
    rows = Membership.objects.of_people().filter(organisation__in=mine)
    return get_object_or_404(rows.select_related("user", "organisation", "department"), pk=pk)


def _try(form, service, **given) -> bool:
    """Call `service`; what it refuses stands on the form."""
    try:
        service(**given)
    except ValidationError as error:
        form.add_error(None, error)
    return not form.errors


def _sentences(form) -> list[str]:
    return [sentence for errors in form.errors.values() for sentence in errors]
