"""The administrator's pages of rules: what is analysed by itself, what came of it, on and off."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import requires, step_up
from accounts.models import Organisation
from accounts.selectors import home_organisation
from imaging.forms_rules import RuleForm
from imaging.models import Rule
from imaging.selectors_rules import matches_told, rules_counted, rules_visible_to, would_match
from imaging.services.rule_matches import ensemble_serving
from imaging.services.rules import rule_change, rule_create, rule_remove

ACTION = "rule.manage"
OF_A_PAGE = 25


@requires(ACTION)
@require_safe
def rule_list(request: HttpRequest) -> HttpResponse:
    return render(request, "imaging/rule_list.html", {"rules": rules_counted(request.user)})


@requires(ACTION)
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def rule_new(request: HttpRequest) -> HttpResponse:
    """Ask for what, where and by which ensemble; a new rule is off until it was looked at."""
    organisation = home_organisation(request.user, ACTION)
    form = RuleForm(request.POST or None, organisation=organisation)
    if form.is_valid():
        try:
            made = rule_create(by=request.user, organisation=organisation, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(
                request, _("The rule is made. Look at what it fits, then switch it on.")
            )
            return redirect(made)
    return _form(request, form, organisation)


@requires(ACTION)
@require_safe
def rule_detail(request: HttpRequest, pk) -> HttpResponse:
    """Show one rule: what it would have fitted, and what came of what it did."""
    rule = _rule(request, pk)
    pages = Paginator(matches_told(rule), OF_A_PAGE)
    shown = {
        "rule": rule,
        "serving": ensemble_serving(rule),
        "would": would_match(rule),
        "page": pages.get_page(request.GET.get("page")),
    }
    return render(request, "imaging/rule_detail.html", shown)


@requires(ACTION)
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: HttpRequest, pk) -> HttpResponse:
    """Change what it says; images that are here are not looked at again."""
    rule = _rule(request, pk)
    form = RuleForm(request.POST or None, organisation=rule.organisation, rule=rule)
    if form.is_valid():
        try:
            rule_change(by=request.user, rule=rule, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The rule was changed."))
            return redirect(rule)
    return _form(request, form, rule.organisation, rule)


@require_POST
@requires(ACTION)
@step_up
def rule_switch(request: HttpRequest, pk) -> HttpResponse:
    """Switch it on, or off, as the button says."""
    rule, is_on = _rule(request, pk), request.POST.get("on") == "1"
    try:
        rule_change(by=request.user, rule=rule, is_on=is_on)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        said = _("The rule is on: new images that fit are analysed.") if is_on else ""
        messages.success(request, said or _("The rule is off. Runs that it started go on."))
    return redirect(rule)


@requires(ACTION)
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def rule_remove_view(request: HttpRequest, pk) -> HttpResponse:
    """Say what will stop, then stop it; its runs stay."""
    rule = _rule(request, pk)
    if request.method != "POST":
        return render(request, "imaging/rule_remove.html", {"rule": rule})
    rule_remove(by=request.user, rule=rule)
    messages.success(request, _("The rule was removed. What it started stays."))
    return redirect("imaging:rule-list")


def _rule(request: HttpRequest, pk) -> Rule:
    return get_object_or_404(rules_visible_to(request.user), pk=pk)


def _form(
    request: HttpRequest, form: RuleForm, organisation: Organisation, rule: Rule | None = None
) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    shown = {"form": form, "rule": rule, "organisation": organisation}
    return render(request, "imaging/rule_form.html", shown, status=status)
