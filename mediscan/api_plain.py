"""The addresses that the requirement names, beside /api/v1/: the same services, no slash."""

from django.urls import path

from imaging.api.orders import Analyze

app_name = "plain"
urlpatterns = [
    path(
        f"{kind}/analyze",
        Analyze.as_view({"post": "create"}, modality=kind),
        name=f"analyze-{kind}",
    )
    for kind in ("xray", "mri", "ct")
]
