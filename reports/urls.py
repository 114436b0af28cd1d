"""Addresses of the press."""

from django.urls import path

from reports import cohort_views, views
from reports.letterhead import views as letterhead_views

app_name = "reports"
urlpatterns = [
    path("exports/new/", views.export_create_view, name="export-create"),
    path("exports/", views.export_list, name="export-list"),
    path("exports/<uuid:pk>/", views.export_detail, name="export-detail"),
    path("exports/<uuid:pk>/status/", views.export_status, name="export-status"),
    path("exports/<uuid:pk>/cancel/", views.export_cancel_view, name="export-cancel"),
    path("exports/<uuid:pk>/delete/", views.export_delete_view, name="export-delete"),
    path("exports/<uuid:pk>/content/", views.export_download, name="export-download"),
    path("letterhead/", letterhead_views.letterhead, name="letterhead"),
    path("letterhead/status/", letterhead_views.letterhead_status, name="letterhead-status"),
    path("letterhead/<uuid:pk>/use/", letterhead_views.letterhead_use_view, name="letterhead-use"),
    path("letterhead/<uuid:pk>/logo/", letterhead_views.letterhead_logo, name="letterhead-logo"),
    path(
        "letterhead/<uuid:pk>/specimen/",
        letterhead_views.letterhead_specimen,
        name="letterhead-specimen",
    ),
    path("cohorts/<uuid:pk>/files/", cohort_views.cohort_files, name="cohort-files"),
    path("cohorts/<uuid:pk>/files/new/", cohort_views.cohort_export, name="cohort-export"),
    path("cohorts/files/<uuid:pk>/content/", cohort_views.cohort_download, name="cohort-download"),
    path(
        "cohorts/files/<uuid:pk>/delete/",
        cohort_views.cohort_file_delete,
        name="cohort-file-delete",
    ),
]
