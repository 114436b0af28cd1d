"""The admin site: one login for the whole house, no queue internals."""

from __future__ import annotations

from functools import wraps

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django_otp.admin import OTPAdminSite

from accounts.gate import factor_asked
from accounts.proof import is_fresh
from accounts.services.factors import is_verified
from accounts.tenancy import may_oversee

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
# django_q's admin lets staff schedule os.system; factors, sessions and addresses are their owners'
HIDDEN_APPS = {"django_q", "mfa", "usersessions", "account"}


class MediScanAdmin(OTPAdminSite):
    site_header = site_title = _("MediScan administration")
    index_title = _("Registry, people and plans")
    site_url = "/dashboard/"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)

    def login(self, request, extra_context=None):
        """No form of its own: the anonymous go to the one login, staff to their second factor."""
        wanted = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
            wanted = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        if may_oversee(request.user) and not is_verified(request):
            return factor_asked(request, wanted)
        if request.user.is_authenticated:
            raise PermissionDenied(_("The admin is for administrators of this installation."))
        return redirect_to_login(wanted, reverse("account_login"))

    def admin_view(self, view, cacheable=False):
        """Whatever is sent here changes roles, people, plans or models: it asks again who it is."""

        @wraps(view)
        def asked(request, *args, **kwargs):
            if request.method not in SAFE_METHODS and view != self.logout and not is_fresh(request):
                raise ReauthenticationRequired
            return view(request, *args, **kwargs)

        return super().admin_view(asked, cacheable)

    def has_permission(self, request) -> bool:
        """Operators, and an organisation's administrators and auditors; with a second factor."""
        user = request.user
        return user.is_active and may_oversee(user) and is_verified(request)

    def register(self, model_or_iterable, admin_class=None, **options) -> None:
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        wanted = [model for model in models if model._meta.app_label not in HIDDEN_APPS]
        if wanted:
            super().register(wanted, admin_class, **options)

    def unregister(self, model_or_iterable) -> None:
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        super().unregister([m for m in models if m._meta.app_label not in HIDDEN_APPS])
