"""Addresses of the trail, of the notices, and of one's own sign-ins."""

from django.urls import path

from accounts import notice_views
from accounts.audit import key_views, views

app_name = "trail"
urlpatterns = [
    path("audit/", views.trail_list, name="list"),
    path("audit/person/", views.trail_find, name="find"),
    path("audit/verify/", views.trail_verify, name="verify"),
    path("audit/entries/<int:seq>/", views.trail_entry, name="entry"),
    path("audit/keys/", key_views.key_list, name="keys"),
    path("audit/export/", views.trail_export, name="export"),
    path("account/activity/", notice_views.activity, name="activity"),
    path("account/activity/<uuid:pk>/disown/", notice_views.disown, name="disown"),
    path("account/notices/", notice_views.notice_list, name="notices"),
    path("account/notices/read/", notice_views.notices_mark_read, name="notices-read"),
]
