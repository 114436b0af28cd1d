"""Every address of the house."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import reauthenticate, recovery_codes_download
from mediscan import account, docs, status, views
from mediscan.kit import views as kit

urlpatterns = [
    path("", views.home, name="home"),
    path("help/", views.help_page, name="help"),
    path("help/shortcuts/", views.help_shortcuts, name="help-shortcuts"),
    path("_kit/", kit.kit, name="kit"),
    path("_kit/viewer/", kit.kit_viewer, name="kit-viewer"),
    path("status/", status.status, name="status"),
    path("healthz/", views.healthz, name="healthz"),
    path("readyz/", views.readyz, name="readyz"),
    path("accounts/reauthenticate/", reauthenticate, name="account_reauthenticate"),
    path(
        "accounts/2fa/recovery-codes/download/",
        recovery_codes_download,
        name="mfa_download_recovery_codes",
    ),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("", include("accounts.signin_urls")),
    path("accounts/", include("allauth.account.urls")),
    path("account/", account.account, name="account"),
    path("account/preference/", account.preference, name="account-preference"),
    path("account/people/", include("accounts.people_urls")),
    path("account/locks/", include("accounts.urls_locks")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("mediscan.api")),
    path("api/", include("mediscan.api_plain")),
    path("dicomweb/", include("imaging.dicomweb.urls")),
    path("ml/", include("imaging.monai_label.urls")),
    path("docs", docs.swagger, name="docs"),
    path("redoc", docs.redoc, name="redoc"),
    path("", include("accounts.urls")),
    path("", include("accounts.audit.urls")),
    path("", include("imaging.urls")),
    path("", include("reports.urls")),
    path("", include("analytics.urls")),
]
handler400 = "mediscan.views.bad_request"
handler403 = "mediscan.views.forbidden"
handler404 = "mediscan.views.not_found"
handler429 = "mediscan.views.too_many"  # allauth asks for it
handler500 = "mediscan.views.server_error"
