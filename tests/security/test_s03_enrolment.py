"""S3: where the second factor is compulsory, a role without one finds enrolment, log-out, help."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.api.problems import PROGRAMS
from accounts.gate import ENROLMENT
from accounts.roles import ROLES
from mediscan.routes import ADMIN, PUBLIC, routes
from tests.accounts.factories import UserFactory, enrol, verify
from tests.mediscan.test_guard import address_of

pytestmark = pytest.mark.django_db
CLOSED = [
    (route.name, address_of(route.pattern))
    for route in routes()
    if route.demand not in (PUBLIC, ADMIN)
    and route.name not in ENROLMENT
    and "(?P" not in route.pattern
    and not f"/{route.pattern}".startswith(PROGRAMS)  # they answer 403, and lead nobody on
]


@pytest.fixture(autouse=True)
def always(settings):
    settings.SECOND_FACTOR = "always"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_without_a_factor_is_sent_to_enrol(client, role):
    client.force_login(UserFactory(role=role))
    assert len(CLOSED) > 20
    for name, address in CLOSED:
        for ask in (client.get, client.post):
            answer = ask(address)
            assert (answer.status_code, answer.headers.get("Location")) == (
                302,
                reverse("mfa_activate_totp"),
            ), name


def test_a_page_that_fetches_is_told_where_to_go(client):
    client.force_login(UserFactory())
    answer = client.get(reverse("imaging:run-list"), headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == reverse("mfa_activate_totp")


def test_enrolment_and_the_way_out_are_open(client):
    client.force_login(UserFactory())
    assert client.get(reverse("mfa_index")).status_code == 200
    asked = reverse("account_reauthenticate")
    assert client.get(reverse("mfa_activate_totp")).url.startswith(asked)
    assert client.get(asked).status_code == 200
    assert client.get(reverse("account_logout")).status_code == 200
    assert client.get("/healthz/").status_code == 200


def test_a_temporary_password_is_replaced_before_enrolment(client):
    client.force_login(UserFactory(must_change_password=True))
    change = reverse("account_change_password")
    assert client.get(reverse("analytics:dashboard")).url == change
    assert client.get(change).status_code == 200


def test_whoever_is_enrolled_but_did_not_show_it_is_asked(client):
    user = UserFactory()
    enrol(user)
    client.force_login(user)
    answer = client.get(reverse("imaging:run-list"))
    assert answer.url.startswith(reverse("account_reauthenticate") + "?next=")


def test_whoever_showed_it_comes_in(client):
    verify(client, UserFactory())
    assert client.get(reverse("analytics:dashboard")).status_code == 200


def test_in_a_trial_house_pages_open_and_only_the_admin_asks(client, settings):
    settings.SECOND_FACTOR = "admin"
    user = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(user)
    assert client.get(reverse("analytics:dashboard")).status_code == 200
    answer = client.get("/admin/", follow=True)
    assert [at for at, _ in answer.redirect_chain][1] == reverse("mfa_activate_totp")
    enrol(user)
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == reverse("account_reauthenticate") + "?next=%2Fadmin%2F"
    verify(client, user)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/login/?next=//evil.example/").url == "/admin/"
