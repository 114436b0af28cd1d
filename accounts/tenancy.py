"""The admin site by organisation: its administrators and auditors see its rows, and no others."""

from __future__ import annotations

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet

from accounts.models import Department, Organisation, Plan, User
from accounts.selectors import organisations_of, user_may


def may_oversee(user) -> bool:
    """Say whether the admin site opens for `user`: operators, administrators, auditors."""
    if not user.is_authenticated:
        return False
    return user.is_superuser or user.is_staff or user_may(user, "admin.open")


class Listed(ChangeList):
    """A list whose address may say a day that no calendar has: that is no fault of ours."""

    def get_filters(self, request):
        try:
            return super().get_filters(request)
        except OverflowError as error:  # Django itself takes a ValueError for it
            raise IncorrectLookupParameters(error) from error


class OfHouse:
    """Rows of the organisations that the person oversees; everything for operators.

    `house` is the path from the model to its organisation; "" keeps the model for
    operators, "*" shows it to every overseer: nobody's data. `kept_by` is what an
    administrator may do beside looking; an auditor only looks.
    """

    house = "organisation"
    house_too = Q(pk__in=[])  # rows beside those, for instance what came with the installation
    kept_by: frozenset[str] = frozenset()

    def get_queryset(self, request) -> QuerySet:
        rows = super().get_queryset(request)
        if request.user.is_superuser or self.house == "*":
            return rows
        if not self.house:
            return rows.none()
        mine = Q(**{f"{self.house}__in": houses_of(request)})
        return rows.filter(mine | self.house_too).distinct()

    def get_changelist(self, request, **kwargs) -> type[ChangeList]:
        return Listed

    def get_object(self, request, object_id, from_field=None):
        """A blank `_to_field` in the address names no field: Django would look for one named so."""
        return super().get_object(request, object_id, from_field or None)

    def has_module_permission(self, request) -> bool:
        return request.user.is_superuser or (bool(self.house) and may_oversee(request.user))

    def has_view_permission(self, request, obj=None) -> bool:
        return self.has_module_permission(request) and self._is_mine(request, obj)

    def has_add_permission(self, request, *parent) -> bool:
        if request.user.is_superuser:
            return super().has_add_permission(request, *parent)
        return self._keeps(request, "add")

    def has_change_permission(self, request, obj=None) -> bool:
        if request.user.is_superuser:
            return super().has_change_permission(request, obj)
        return self._keeps(request, "change", obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        if request.user.is_superuser:
            return super().has_delete_permission(request, obj)
        return self._keeps(request, "delete", obj)

    def has_operate_permission(self, request) -> bool:
        return request.user.is_superuser

    def get_list_filter(self, request):
        """A list of all organisations to filter by would name them."""
        found = super().get_list_filter(request)
        if request.user.is_superuser:
            return found
        return [one for one in found if one not in ("organisation", "plan")]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Offer, and take, only what belongs to the same organisations."""
        if not request.user.is_superuser:
            houses = houses_of(request)
            kwargs["queryset"] = {
                Organisation: Organisation.objects.filter(pk__in=houses),
                Department: Department.objects.filter(organisation__in=houses),
                User: User.objects.filter(memberships__organisation__in=houses).distinct(),
                Plan: Plan.objects.filter(organisations__in=houses).distinct(),
            }.get(db_field.related_model, db_field.related_model.objects.none())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _keeps(self, request, what: str, obj=None) -> bool:
        """Only an administrator changes rows: an auditor looks."""
        is_kept = what in self.kept_by and user_may(request.user, "people.manage")
        return is_kept and self._is_mine(request, obj, "people.manage")

    def _is_mine(self, request, obj, action: str = "admin.open") -> bool:
        if obj is None or request.user.is_superuser or self.house == "*":
            return True
        mine = Q(**{f"{self.house}__in": organisations_of(request.user, action)})
        return type(obj).objects.filter(mine | self.house_too, pk=obj.pk).exists()


def houses_of(request) -> QuerySet[Organisation]:
    """Return the organisations that this person oversees, asked once per request."""
    if not hasattr(request, "_houses"):
        request._houses = organisations_of(request.user, "admin.open")
    return request._houses
