"""Every address is guarded unless it is declared public; the answers carry the house's headers."""

import uuid

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.accounts.factories import StrangerFactory, UserFactory, verify

pytestmark = pytest.mark.django_db

PUBLIC = {
    "home", "help", "help-shortcuts", "accounts:setup", "kit", "kit-viewer",
    "accounts:language",
    "healthz", "readyz",
    "account_login", "account_signup", "account_logout",
    "account_inactive", "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key", "account_reset_password_from_key_done",
    "account_confirm_password_reset_code", "account_complete_password_reset",
    "account_password_reset_completed", "account_confirm_email",
    "account_email_verification_sent", "admin:login", "admin:jsi18n",
    "account_set_password_after_reset_by_code", "mfa_authenticate",
    "api:token", "api:token-refresh", "api:token-revoke", "plain:auth-register",
    "plain:auth-token", "plain:auth-token-refresh", "plain:auth-setup-2fa",
    "plain:auth-setup-2fa-verify", "ml:auth", "ml:auth-token",
}  # fmt: skip
SAMPLES = {"uuid": uuid.UUID(int=1), "slug": "ensemble", "int": 1, "str": "x", "path": "x",
           "label_token": "x" * 43}  # fmt: skip


def every_address(patterns=None, prefix="", namespace=""):
    """Yield (name, path) of every route of the resolver, with sample arguments filled in."""
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from every_address(entry.url_patterns, prefix + str(entry.pattern), inner)
        elif isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name}", prefix + str(entry.pattern)


def address_of(route: str) -> str:
    path = route
    while "<" in path:
        start, end = path.index("<"), path.index(">")
        kind = path[start + 1 : end].split(":")[0] if ":" in path[start:end] else "str"
        path = path[:start] + str(SAMPLES[kind]) + path[end + 1 :]
    return "/" + path.replace("^", "").replace("$", "").replace("\\Z", "")


ROUTES = [
    (name, address_of(route))
    for name, route in every_address()
    if "(?P" not in route and "admin/" not in route
]


@pytest.mark.parametrize(("name", "address"), ROUTES, ids=[name for name, _ in ROUTES])
def test_the_anonymous_reach_only_what_is_declared_public(client, name, address):
    response = client.get(address)
    if name in PUBLIC:
        assert response.status_code in (200, 302, 405, 503)
        return
    assert response.status_code in (302, 401, 405), f"{name} is open"
    if response.status_code == 302:
        assert response.url.startswith(reverse("account_login"))


def test_the_walk_sees_the_whole_house():
    names = {name for name, _address in ROUTES}
    assert len(names) > 35
    assert {"imaging:result-detail", "reports:export-download", "analytics:dashboard"} <= names


@pytest.mark.parametrize("address", ["/admin/", "/admin/imaging/run/", "/admin/accounts/user/"])
def test_the_admin_has_no_login_of_its_own(client, address):
    response = client.get(address, follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
    client.force_login(UserFactory())
    assert client.get(address, follow=True).status_code == 403


def test_queue_internals_are_not_in_the_admin(client):
    verify(client, StrangerFactory(is_staff=True, is_superuser=True))
    text = client.get("/admin/").content.decode()
    assert "django_q" not in text
    assert "Model versions" in text
    assert client.get("/admin/django_q/schedule/").status_code == 404


def test_a_page_forbids_foreign_scripts_and_caches(client):
    client.force_login(UserFactory())
    response = client.get(reverse("analytics:dashboard"))
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["Cache-Control"] == "no-store, private"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert len(response["X-Request-ID"]) == 16


def test_a_temporary_password_opens_only_its_change(client):
    client.force_login(UserFactory(must_change_password=True))
    response = client.get(reverse("imaging:study-list"))
    assert response.url == reverse("account_change_password")
    assert client.get(response.url).status_code in (200, 302)


@pytest.mark.parametrize("name", ["imaging:study-list", "imaging:upload-create"])
def test_a_person_without_a_role_is_told_which_one_it_takes(client, name):
    client.force_login(StrangerFactory())
    response = client.get(reverse(name))
    assert response.status_code == 403
    assert "Radiologist" in response.content.decode()


def test_a_body_over_the_limit_ends_before_it_is_read(client, settings):
    settings.UPLOAD_MAX_BYTES = 100
    client.force_login(UserFactory())
    response = client.post(reverse("imaging:upload-create"), {"note": "x" * 200})
    assert response.status_code == 413
    assert "Send the files in several uploads" in response.content.decode()


def test_a_program_is_told_the_same_as_a_problem(client, settings):
    settings.UPLOAD_MAX_BYTES = 100
    response = client.post("/api/v1/token/", {"email": "x" * 200}, content_type="application/json")
    assert (response.status_code, response["Content-Type"]) == (413, "application/problem+json")
    assert response.json()["code"] == "too_large"


def test_a_form_that_memory_does_not_take_is_too_large_and_not_unreadable(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = client.post(reverse("account_login"), {"login": "x" * 200})
    assert response.status_code == 413
    assert "More was sent than this page takes" in response.content.decode()
    response = client.post("/api/v1/token/", {"email": "x" * 200}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_an_address_that_only_takes_forms_says_so(client):
    client.force_login(UserFactory())
    response = client.get(reverse("signin:session-end-others"))
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "only takes what a form sends to it" in response.content.decode()
    assert response["X-Request-ID"] in response.content.decode()
