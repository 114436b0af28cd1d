"""The admin site: one login for the whole house, no queue internals."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.urls import reverse

# django_q's admin lets staff schedule os.system; factors and sessions are their owners'
HIDDEN_APPS = {"django_q", "mfa", "usersessions"}


class MediScanAdmin(AdminSite):
    site_header = site_title = "MediScan administration"
    index_title = "Registry, people and plans"
    site_url = "/dashboard/"

    def login(self, request, extra_context=None):
        """Send the anonymous to the one login page; the others may not come in."""
        if request.user.is_authenticated:
            raise PermissionDenied("The admin is for administrators of this installation.")
        return redirect_to_login(
            request.GET.get("next") or reverse("admin:index"), reverse("account_login")
        )

    def register(self, model_or_iterable, admin_class=None, **options) -> None:
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        wanted = [model for model in models if model._meta.app_label not in HIDDEN_APPS]
        if wanted:
            super().register(wanted, admin_class, **options)

    def unregister(self, model_or_iterable) -> None:
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        super().unregister([m for m in models if m._meta.app_label not in HIDDEN_APPS])
