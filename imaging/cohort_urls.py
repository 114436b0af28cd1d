"""Addresses of cohorts."""

from django.urls import path

from imaging import cohort_desk, cohort_pages

urlpatterns = [
    path("cohorts/", cohort_pages.cohort_list, name="cohort-list"),
    path("cohorts/manage/", cohort_desk.cohort_manage, name="cohort-manage"),
    path("cohorts/review/", cohort_desk.cohort_review, name="cohort-review"),
    path("cohorts/<uuid:pk>/", cohort_pages.cohort_detail, name="cohort-detail"),
    path("cohorts/<uuid:pk>/runs/", cohort_pages.cohort_run, name="cohort-run"),
    path(
        "cohorts/<uuid:pk>/runs/<uuid:run>/cancel/",
        cohort_pages.cohort_run_cancel,
        name="cohort-run-cancel",
    ),
    path("cohorts/<uuid:pk>/close/", cohort_desk.cohort_close_view, name="cohort-close"),
    path("cohorts/images/<uuid:pk>/", cohort_pages.cohort_image, name="cohort-image"),
    path("cohorts/images/<uuid:pk>/decide/", cohort_desk.cohort_decide, name="cohort-decide"),
    path(
        "cohorts/images/<uuid:pk>/picture.png",
        cohort_pages.cohort_picture,
        name="cohort-picture",
    ),
    path(
        "cohorts/images/<uuid:pk>/results/<uuid:result>/<slug:name>.png",
        cohort_pages.cohort_layer,
        name="cohort-layer",
    ),
]
