"""The addresses that the requirement names, beside /api/v1/: the same services, no slash."""

from django.urls import path

from accounts.api.auth import Register, SetupFactor, VerifyFactor
from accounts.api.views import TokenObtain, TokenRefresh
from imaging.api.orders import Analyze

app_name = "plain"
urlpatterns = [
    path("auth/register", Register.as_view(), name="auth-register"),
    path("auth/token", TokenObtain.as_view(), name="auth-token"),
    path("auth/token/refresh", TokenRefresh.as_view(), name="auth-token-refresh"),
    path("auth/setup-2fa", SetupFactor.as_view(), name="auth-setup-2fa"),
    path("auth/setup-2fa/verify", VerifyFactor.as_view(), name="auth-setup-2fa-verify"),
]
urlpatterns += [
    path(
        f"{kind}/analyze",
        Analyze.as_view({"post": "create"}, modality=kind),
        name=f"analyze-{kind}",
    )
    for kind in ("xray", "mri", "ct")
]
