"""Addresses of the gatehouse below /api/v1/."""

from django.urls import path

from accounts.api import schema, views  # noqa: F401  schema: registers how we authenticate

urlpatterns = [
    path("token/", views.TokenObtain.as_view(), name="token"),
    path("token/refresh/", views.TokenRefresh.as_view(), name="token-refresh"),
    path("token/revoke/", views.TokenRevoke.as_view(), name="token-revoke"),
    path("me/", views.MeView.as_view(), name="me"),
]
