"""Addresses of the hall."""

from django.urls import path

from imaging import (
    erasures,
    glass,
    model_pages,
    moves,
    painting,
    patients,
    reviews,
    viewer_urls,
    views,
)

app_name = "imaging"
urlpatterns = [
    path("worklist/", views.study_list, name="study-list"),
    path("studies/<uuid:pk>/", views.study_detail, name="study-detail"),
    path("studies/<uuid:pk>/move/", moves.study_move_view, name="study-move"),
    path("uploads/new/", views.upload_create, name="upload-create"),
    path("uploads/<uuid:pk>/", views.upload_detail, name="upload-detail"),
    path("uploads/<uuid:pk>/status/", views.upload_status, name="upload-status"),
    path("runs/new/", views.run_create, name="run-create"),
    path("runs/", views.run_list, name="run-list"),
    path("runs/<uuid:pk>/", views.run_detail, name="run-detail"),
    path("runs/<uuid:pk>/status/", views.run_status, name="run-status"),
    path("runs/<uuid:pk>/cancel/", views.run_cancel_view, name="run-cancel"),
    path("jobs/<uuid:pk>/retry/", views.job_retry_view, name="job-retry"),
    path("patients/find/", patients.patient_find, name="patient-find"),
    path("patients/<uuid:pk>/", patients.patient_detail, name="patient-detail"),
    path("patients/<uuid:pk>/assignments/", patients.assignment_list, name="assignment-list"),
    path("assignments/<uuid:pk>/end/", patients.assignment_end_view, name="assignment-end"),
    path("patients/<uuid:pk>/break-glass/", glass.glass_open, name="glass-open"),
    path("break-glass/", glass.glass_list, name="glass-list"),
    path("break-glass/<uuid:pk>/close/", glass.glass_close_view, name="glass-close"),
    path("break-glass/<uuid:pk>/review/", glass.glass_review_view, name="glass-review"),
    path("results/<uuid:pk>/reviews/", reviews.review_create, name="review-create"),
    path("results/<uuid:pk>/paint/", painting.review_paint, name="review-paint"),
    path("reviews/<uuid:pk>/mask/", painting.review_mask, name="review-mask"),
    path("reviews/<uuid:pk>/status/", painting.review_status, name="review-status"),
    path("reviews/<uuid:pk>/", reviews.review_detail, name="review-detail"),
    path("reviews/<uuid:pk>/sign/", reviews.review_sign_view, name="review-sign"),
    path("models/", views.model_list, name="model-list"),
    path("models/<uuid:pk>/", model_pages.model_detail, name="model-detail"),
    path(
        "models/<uuid:pk>/approve-clinical/",
        model_pages.model_approve_clinical,
        name="model-approve-clinical",
    ),
    path(
        "models/<uuid:pk>/approve-technical/",
        model_pages.model_approve_technical,
        name="model-approve-technical",
    ),
    path("models/<uuid:pk>/retire/", model_pages.model_retire_view, name="model-retire"),
    path("models/<uuid:pk>/restore/", model_pages.model_restore_view, name="model-restore"),
    path("models/<uuid:pk>/confirm/", model_pages.model_confirm_view, name="model-confirm"),
    path("erasures/", erasures.erasure_list, name="erasure-list"),
    path("erasures/<uuid:pk>/approve/", erasures.erasure_approve_view, name="erasure-approve"),
    path("erasures/<uuid:pk>/withdraw/", erasures.erasure_withdraw_view, name="erasure-withdraw"),
    *viewer_urls.urlpatterns,
]
