"""The frame of the signed-in: the rooms of their role, the way out, the notices."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts import roles
from tests.accounts.factories import StrangerFactory, UserFactory

pytestmark = pytest.mark.django_db
SIDEBAR = re.compile(r'<nav class="nav".*?</nav>', re.S)
LINK = re.compile(r'<a href="([^"]+)"( aria-current="page")?>')


def sidebar(client, url_name: str = "analytics:dashboard") -> dict[str, bool]:
    """The addresses of the sidebar; True for the current one."""
    page = client.get(reverse(url_name)).content.decode()
    return {url: bool(current) for url, current in LINK.findall(SIDEBAR.search(page)[0])}


def rooms_of(client, **person) -> set[str]:
    client.force_login(UserFactory(**person))
    return set(sidebar(client))


def test_a_radiologist_sees_every_room_but_the_admin(client):
    names = ("analytics:dashboard", "imaging:study-list", "imaging:upload-create",
             "imaging:run-list", "reports:export-list", "imaging:patient-find",
             "imaging:cohort-review", "imaging:model-list", "analytics:overview")  # fmt: skip
    assert rooms_of(client) == {reverse(name) for name in names}


def test_staff_see_the_admin(client):
    assert reverse("admin:index") in rooms_of(client, is_staff=True)


def test_a_technician_is_not_led_to_exports(client):
    assert reverse("reports:export-list") not in rooms_of(client, role=roles.TECHNICIAN)


def test_an_auditor_sees_only_what_the_role_may(client):
    names = ("analytics:dashboard", "imaging:model-list", "imaging:glass-list", "people:first",
             "locks:list", "trail:list", "admin:index", "analytics:overview")  # fmt: skip
    assert rooms_of(client, role=roles.AUDITOR) == {reverse(name) for name in names}


def test_one_room_is_current(client):
    client.force_login(UserFactory())
    marked = [
        url for url, is_current in sidebar(client, "imaging:model-list").items() if is_current
    ]
    assert marked == [reverse("imaging:model-list")]


def test_log_out_is_a_post(client):
    client.force_login(UserFactory())
    page = client.get(reverse("analytics:dashboard")).content.decode()
    action = reverse("account_logout")
    assert f'<form method="post" action="{action}">' in page
    assert f'href="{action}"' not in page


def test_a_person_without_a_name_or_membership_gets_a_whole_page(client):
    client.force_login(StrangerFactory(name=""))
    answer = client.get(reverse("analytics:dashboard"))
    assert answer.status_code == 200
    assert b"You belong to no organisation" in answer.content


def test_the_frame_costs_a_query_for_roles_and_one_for_the_bell(client, django_assert_num_queries):
    client.force_login(UserFactory())
    with django_assert_num_queries(4):  # session, person, roles, unread notices
        client.get(reverse("account_change_password"))


def test_a_name_is_never_markup(client):
    client.force_login(UserFactory(name='<img src=x onerror="alert(1)">'))
    assert b"<img src=x" not in client.get(reverse("analytics:dashboard")).content


def test_the_viewer_frame_is_dark_and_has_the_same_scripts(client):
    from django.template.loader import get_template

    page = get_template("base_viewer.html").render({"research_notice": "Notice"})
    assert 'class="viewer-page"' in page
    assert "css/viewer.css" in page
    assert "htmx" in page
