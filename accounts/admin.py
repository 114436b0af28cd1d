"""People, organisations, plans and the audit trail, for the operators of an installation."""

from __future__ import annotations

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin_audited import Audited
from accounts.admin_plans import PlanAdmin, PlanRequestAdmin
from accounts.admin_trail import AuditEventAdmin
from accounts.forms_admin import (
    MembershipForm,
    MembershipRows,
    NewPasswordForm,
    NewUserForm,
    PickedById,
    asked_by,
    may_end,
)
from accounts.models import Department, Membership, Organisation, User
from accounts.proof import is_fresh
from accounts.services.factor_removal import factors_remove
from accounts.services.revocation import auth_version_raise
from accounts.tenancy import OfHouse

__all__ = ["AuditEventAdmin", "PlanAdmin", "PlanRequestAdmin"]

admin.site.unregister(Group)
RIGHTS = {"email", "is_active", "is_staff", "is_superuser"}  # a change of these ends sessions


@admin.register(User)
class UserAdmin(Audited, OfHouse, DjangoUserAdmin):
    house = "memberships__organisation"
    actions = ("remove_factors",)
    form = UserChangeForm
    add_form = NewUserForm
    change_password_form = NewPasswordForm
    list_display = ("email", "name", "is_active", "is_staff", "last_login", "date_joined")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (
            _("Access"),
            {"fields": ("is_active", "must_change_password", "is_staff", "is_superuser")},
        ),
        (_("Reading"), {"fields": ("read_first",)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)

    def get_fieldsets(self, request, obj=None):
        """What an operator alone may change is nothing for an organisation to read."""
        if request.user.is_superuser:
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": ("email", "name", "is_active", "last_login", "date_joined")}),)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False  # the trail names its people: make inactive instead

    @admin.action(
        description=_("Remove the second factor (after making sure who asks)"),
        permissions=["operate"],
    )
    def remove_factors(self, request, queryset) -> None:
        """For whoever lost phone and recovery codes; nobody does it to themselves."""
        if not is_fresh(request):
            raise ReauthenticationRequired
        others = queryset.exclude(pk=request.user.pk)
        removed = sum(bool(factors_remove(user=user, by=request.user)) for user in others)
        words = gettext("Second factor removed for %(n)d of %(all)d.")
        self.message_user(request, words % {"n": removed, "all": len(queryset)})

    def save_model(self, request, obj, form, change) -> None:
        super().save_model(request, obj, form, change)
        if change and not RIGHTS.isdisjoint(form.changed_data):
            auth_version_raise(user=obj, request=request)

    def log_change(self, request, obj, message):
        if request.resolver_match.url_name == "auth_user_password_change":
            audit.record(request.user, "password.change", obj, request_id=request.request_id)
            auth_version_raise(user=obj, request=request)
        return super().log_change(request, obj, message)


class Picks:
    """People and organisations are picked from a list that searches."""

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name in self.autocomplete_fields:
            kwargs["widget"] = PickedById(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class MembershipRules:
    """The rules of the people page hold here too: the form asks them, for every row."""

    form = MembershipForm

    def get_form(self, request, obj=None, change=False, **kwargs):
        return asked_by(super().get_form(request, obj, change, **kwargs), request.user)

    def has_delete_permission(self, request, obj=None) -> bool:
        if isinstance(obj, Membership) and not may_end(request.user, obj):
            return False
        return super().has_delete_permission(request, obj)


class MembershipInline(Picks, OfHouse, admin.TabularInline):
    model = Membership
    form = MembershipForm
    formset = MembershipRows
    extra = 0
    autocomplete_fields = ("user",)

    def get_formset(self, request, obj=None, **kwargs):
        formset = super().get_formset(request, obj, **kwargs)
        formset.form = asked_by(formset.form, request.user)
        return formset


@admin.register(Organisation)
class OrganisationAdmin(Audited, OfHouse, admin.ModelAdmin):
    house = "pk"
    list_display = ("name", "plan", "created_at")
    list_select_related = ("plan",)
    list_filter = ("plan",)
    search_fields = ("name",)
    inlines = (MembershipInline,)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False  # everything clinical hangs on it


@admin.register(Membership)
class MembershipAdmin(Audited, MembershipRules, Picks, OfHouse, admin.ModelAdmin):
    kept_by = frozenset({"add", "change", "delete"})
    list_display = ("user", "role", "organisation", "department", "until")
    list_select_related = ("user", "organisation", "department")
    list_filter = ("role", "organisation")
    autocomplete_fields = ("user", "organisation")

    def get_readonly_fields(self, request, obj=None):
        """Another role or person is another membership: end this one and give that."""
        return ("user", "organisation", "department", "role") if obj else ()


@admin.register(Department)
class DepartmentAdmin(Audited, OfHouse, admin.ModelAdmin):
    kept_by = frozenset({"add", "change"})
    list_display = ("name", "organisation")
    list_select_related = ("organisation",)
