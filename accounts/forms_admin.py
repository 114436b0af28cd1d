"""The admin's forms for a new person, a new password, and a role that keeps the rules."""

from __future__ import annotations

from collections.abc import Mapping

from allauth.account.models import EmailAddress
from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Field
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts.models import Membership, User
from accounts.passwords.words import HINT
from accounts.services.membership_rules import (
    auditor_check,
    manage_check,
    oneself_check,
    role_check,
    seats_check,
)
from accounts.templatetags.passwords import meter


class Measured:
    """Show the strength meter below the first of the two fields of a new password."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        shown = render_to_string(
            "components/strength.html", meter("id_password1", getattr(self, "user", None))
        )
        self.fields["password1"].help_text = format_html("{}{}", HINT, shown)


class NewUserForm(Measured, BaseUserCreationForm):
    """A person with a password that an operator chose, to be changed at the first login."""

    class Meta:
        model = User
        fields = ("email", "name")
        field_classes = {}

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()

    def save(self, commit: bool = True) -> User:
        self.instance.must_change_password = True
        return super().save(commit)

    def _save_m2m(self) -> None:
        """Vouch for the address: the operator knows whom they let in."""
        super()._save_m2m()
        EmailAddress.objects.get_or_create(
            user=self.instance,
            email=self.instance.email,
            defaults={"verified": True, "primary": True},
        )


class NewPasswordForm(Measured, AdminPasswordChangeForm):
    """A password that an operator chose, to be changed at the next login."""

    def save(self, commit: bool = True) -> User:
        self.user.must_change_password = True
        return super().save(commit)


class MembershipForm(forms.ModelForm):
    """A role as the people page would give it; `by` is whoever fills the form in."""

    by: User

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        named(self.fields)

    class Meta:
        model = Membership
        fields = ("user", "organisation", "department", "role", "until")

    def clean(self) -> dict:
        cleaned = super().clean()
        given = {name: self._value(name) for name in self._meta.fields}
        if self.has_changed() and all(given[name] for name in ("user", "organisation", "role")):
            self._ask(**given)
        return cleaned

    def _ask(self, *, user, organisation, **given) -> None:
        try:
            manage_check(by=self.by, organisation=organisation)
        except PermissionDenied as error:
            raise ValidationError(str(error)) from None
        if not self.instance._state.adding:  # whose it was counts as well
            was = Membership.objects.select_related("user").get(pk=self.instance.pk)
            oneself_check(by=self.by, user=was.user)
            auditor_check(by=self.by, role=was.role)
        role_check(by=self.by, user=user, organisation=organisation, **given)
        seats_check(organisation=organisation, user=user)

    def _value(self, name: str):
        """What was typed, or what stands there where the field is not offered."""
        if name in self.cleaned_data:
            return self.cleaned_data[name]
        is_key = f"{name}_id" in vars(self.instance)
        if is_key and vars(self.instance)[f"{name}_id"] is None:
            return None
        return getattr(self.instance, name)


class MembershipRows(forms.BaseInlineFormSet):
    """Memberships as rows of a table, where Django's own fields have no label."""

    def add_fields(self, form, index) -> None:
        super().add_fields(form, index)
        named(form.fields)


def named(fields: Mapping[str, forms.Field]) -> None:
    """Give every input the name that a screen reader says."""
    for field in filter(lambda one: one.label, fields.values()):
        inner = getattr(field.widget, "widget", field.widget)
        parts = getattr(inner, "widgets", None)
        if parts is None:
            inner.attrs.setdefault("aria-label", field.label)
            continue
        for part, words in zip(parts, (_("date"), _("time")), strict=True):
            part.attrs.setdefault("aria-label", f"{field.label}: {words}")


def asked_by(form: type[MembershipForm], by: User) -> type[MembershipForm]:
    """Return the form for one person, whose rights its rules ask."""
    return type(form.__name__, (form,), {"by": by})


def may_end(by: User, membership: Membership) -> bool:
    """Say whether `by` may take this role back."""
    try:
        oneself_check(by=by, user=membership.user)
        auditor_check(by=by, role=membership.role)
    except ValidationError:
        return False
    return True


class PickedById(AutocompleteSelect):
    """A choice among many rows; what is no row's id is not looked up to be shown again."""

    def optgroups(self, name, value, attrs=None):
        key = self.field.remote_field.model._meta.pk
        return super().optgroups(name, [one for one in value if _can_be(key, one)], attrs)


def _can_be(key: Field, value: str) -> bool:
    try:
        key.to_python(value)
    except ValidationError:
        return False
    return True
