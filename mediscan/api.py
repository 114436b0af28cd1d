"""Every address below /api/v1/, room by room."""

from django.urls import include, path

app_name = "api"
urlpatterns = [
    path("", include("accounts.api.urls")),
    path("", include("imaging.api.urls")),
    path("", include("reports.api.urls")),
]
