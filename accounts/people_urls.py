"""Addresses of an organisation's people."""

from django.urls import path

from accounts import people, reading_pages

app_name = "people"
urlpatterns = [
    path("", people.people_list, name="first"),
    path("invitations/", people.invitation_list, name="invitations"),
    path("invitations/<uuid:pk>/accept/", people.invitation_accept_view, name="invitation-accept"),
    path(
        "invitations/<uuid:pk>/withdraw/",
        people.invitation_withdraw_view,
        name="invitation-withdraw",
    ),
    path("<uuid:pk>/", people.people_list, name="list"),
    path("<uuid:pk>/invite/", people.invite, name="invite"),
    path("<uuid:pk>/read-first/", reading_pages.reading_first_of, name="read-first"),
    path("<uuid:pk>/departments/", people.department_add, name="department-create"),
    path("departments/<uuid:pk>/", people.department_rename_view, name="department-rename"),
    path("memberships/<uuid:pk>/", people.membership_change_view, name="membership-change"),
    path("memberships/<uuid:pk>/end/", people.membership_end_view, name="membership-end"),
]
