"""Addresses of the gallery."""

from django.urls import path

from analytics import plans, views

app_name = "analytics"
urlpatterns = [
    path("dashboard/", views.dashboard, name="dashboard"),
    path("plans/", plans.plan_list, name="plans"),
    path("plans/<uuid:pk>/ask/", plans.plan_ask_view, name="plan-ask"),
    path("plans/requests/<uuid:pk>/withdraw/", plans.plan_withdraw_view, name="plan-withdraw"),
    path("analytics/", views.overview, name="overview"),
    path("analytics/models/", views.models, name="models"),
    path("analytics/readers/", views.readers, name="readers"),
    path("analytics/drift/", views.drift, name="drift"),
    path("analytics/<slug:page>.csv", views.figures_file, name="figures-csv"),
]
