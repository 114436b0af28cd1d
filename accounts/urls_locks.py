"""Below /account/locks/."""

from django.urls import path

from accounts import views_locks

app_name = "locks"
urlpatterns = [
    path("", views_locks.lock_list, name="list"),
    path("<uuid:pk>/lift/", views_locks.lock_lift_view, name="lift"),
]
