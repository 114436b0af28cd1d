"""Addresses of the gallery."""

from django.urls import path

from analytics import views

app_name = "analytics"
urlpatterns = [
    path("dashboard/", views.dashboard, name="dashboard"),
    path("analytics/", views.overview, name="overview"),
    path("analytics/models/", views.models, name="models"),
    path("analytics/readers/", views.readers, name="readers"),
    path("analytics/drift/", views.drift, name="drift"),
    path("analytics/<slug:page>.csv", views.figures_file, name="figures-csv"),
]
