"""Addresses of one's own sessions."""

from django.urls import path

from accounts import views

app_name = "signin"
urlpatterns = [
    path("account/sessions/", views.session_list, name="session-list"),
    path("account/sessions/end-others/", views.session_end_others, name="session-end-others"),
    path("account/programs/<uuid:pk>/end/", views.program_end, name="program-end"),
    path("account/sessions/<int:pk>/end/", views.session_end, name="session-end"),
]
