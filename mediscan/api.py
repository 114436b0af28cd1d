"""Every address below /api/v1/, room by room."""

from django.urls import include, path

from mediscan.docs import Schema

app_name = "api"
urlpatterns = [
    path("schema/", Schema.as_view({"get": "retrieve"}), name="schema"),
    path("", include("accounts.api.urls")),
    path("", include("imaging.api.urls")),
    path("", include("reports.api.urls")),
]
