"""Addresses of the gatehouse below /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from accounts.api import schema, views  # noqa: F401  schema: registers how we authenticate
from accounts.api.keys import Keys
from accounts.api.people import Departments, Invitations, Memberships
from accounts.api.trail import AuditEvents
from accounts.api.webhooks import WebhookDeliveries, Webhooks

ROOMS = {
    "memberships": ("membership", Memberships),
    "invitations": ("invitation", Invitations),
    "departments": ("department", Departments),
    "keys": ("key", Keys),
    "webhooks": ("webhook", Webhooks),
    "webhook-deliveries": ("webhook-delivery", WebhookDeliveries),
    "audit-events": ("audit-event", AuditEvents),
}
router = SimpleRouter(use_regex_path=False)
for address, (name, room) in ROOMS.items():
    router.register(address, room, basename=name)

urlpatterns = [
    path("token/", views.TokenObtain.as_view(), name="token"),
    path("token/refresh/", views.TokenRefresh.as_view(), name="token-refresh"),
    path("token/revoke/", views.TokenRevoke.as_view(), name="token-revoke"),
    path("me/", views.MeView.as_view(), name="me"),
    *router.urls,
]
