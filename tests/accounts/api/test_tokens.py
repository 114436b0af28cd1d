"""A program signs in with one call, refreshes, signs out; every refusal says what to do."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts.api.permissions import SignedIn
from accounts.models import AuditEvent, TokenFamily, User
from accounts.roles import AUDITOR, RADIOLOGIST
from tests.accounts.api.calls import bearer, me, pair_of, refresh, revoke, sign_in
from tests.accounts.factories import MembershipFactory, StrangerFactory, UserFactory, verify

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    found = AuditEvent.objects.filter(action__startswith="token.")
    return list(found.order_by("at").values_list("action", flat=True))


def test_one_call_signs_in_and_the_token_opens_me(client):
    user = UserFactory()
    answer = sign_in(client, user)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    pair = answer.json()
    assert set(pair) == {
        "access", "refresh", "token_type", "access_expires_at", "refresh_expires_at",
    }  # fmt: skip
    answer = me(client, pair["access"])
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store, private"
    assert answer.json()["email"] == user.email
    assert "sessionid" not in client.cookies
    assert actions() == ["token.issue"]


def test_the_address_may_be_typed_in_capitals(client):
    user = UserFactory()
    assert sign_in(client, user, email=user.email.upper()).status_code == 200


def test_me_says_where_a_person_belongs_and_what_the_plan_allows(client):
    user = UserFactory(role=RADIOLOGIST)
    MembershipFactory(user=user, role=AUDITOR)
    found = me(client, pair_of(client, user)["access"]).json()
    assert [[part["role"] for part in one["roles"]] for one in found["organisations"]] == [
        ["radiologist"], ["auditor"],
    ]  # fmt: skip
    first = found["organisations"][0]
    assert first["name"] == user.memberships.first().organisation.name
    assert first["plan"]["runs_per_month"] is None
    assert found["second_factor"] is False


def test_a_person_without_a_membership_belongs_nowhere(client):
    found = me(client, pair_of(client, StrangerFactory())["access"]).json()
    assert found["organisations"] == []


def test_me_costs_two_queries_whatever_the_number_of_memberships(client, django_assert_num_queries):
    user = UserFactory()
    token = pair_of(client, user)["access"]
    for _ in range(3):
        MembershipFactory(user=user)
    with django_assert_num_queries(2):
        assert me(client, token).status_code == 200


@pytest.mark.parametrize(
    "change",
    [{"password": "wrong wrong wrong"}, {"email": "nobody@example.org"}],
    ids=["password", "unknown"],
)
def test_wrong_credentials_are_one_answer(client, change):
    answer = sign_in(client, UserFactory(), **change)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    body = answer.json()
    assert body["code"] == "invalid_credentials"
    assert body["request_id"] == answer["X-Request-ID"]
    assert not TokenFamily.objects.exists()


def test_the_inactive_get_the_answer_of_the_unknown(client):
    answer = sign_in(client, UserFactory(is_active=False))
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def test_an_unconfirmed_address_is_told_how_to_confirm(client):
    user = UserFactory()
    EmailAddress.objects.filter(user=user).update(verified=False)
    answer = sign_in(client, user)
    assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")
    assert "enter the code" in answer.json()["detail"]


def test_a_temporary_password_opens_nothing(client):
    answer = sign_in(client, UserFactory(must_change_password=True))
    assert (answer.status_code, answer.json()["code"]) == (403, "password_change_required")


def test_where_a_factor_is_compulsory_a_password_alone_opens_nothing(client, settings):
    settings.SECOND_FACTOR = "always"
    answer = sign_in(client, UserFactory())
    assert (answer.status_code, answer.json()["code"]) == (403, "factor_required")
    assert "set one up" in answer.json()["detail"]


def test_a_wrong_body_names_its_fields(client):
    answer = client.post(reverse("api:token"), {"email": "x"}, content_type="application/json")
    assert answer.status_code == 400
    errors = {one["field"]: one["code"] for one in answer.json()["errors"]}
    assert errors == {"email": "invalid", "password": "required"}
    assert "no-store" in answer["Cache-Control"]


def test_a_body_that_is_no_json_is_400_and_a_form_is_415(client):
    broken = client.post(reverse("api:token"), "{", content_type="application/json")
    assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
    assert client.post(reverse("api:token"), {"email": "x"}).status_code == 415


# --- refresh and revoke


def test_a_refresh_gives_a_new_pair_and_the_old_access_goes_on_until_it_ends(client):
    first = pair_of(client, UserFactory())
    second = refresh(client, first["refresh"])
    assert second.status_code == 200
    assert "no-store" in second["Cache-Control"]
    assert second.json()["refresh"] != first["refresh"]
    assert me(client, first["access"]).status_code == 200
    assert me(client, second.json()["access"]).status_code == 200
    assert TokenFamily.objects.count() == 1


def test_a_second_use_closes_the_family(client):
    first = pair_of(client, UserFactory())
    second = refresh(client, first["refresh"]).json()
    answer = refresh(client, first["refresh"])
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
    assert TokenFamily.objects.get().revoked_reason == TokenFamily.Reason.REUSED
    for token in (first["access"], second["access"]):
        assert me(client, token).status_code == 401
    assert refresh(client, second["refresh"]).status_code == 401
    assert actions() == ["token.issue", "token.refresh", "token.reuse"]


def test_another_sign_in_of_the_same_person_lives_on(client):
    user = UserFactory()
    first, other = pair_of(client, user), pair_of(client, user)
    refresh(client, first["refresh"])
    refresh(client, first["refresh"])
    assert me(client, other["access"]).status_code == 200


def test_revoking_acts_at_the_next_request(client):
    pair = pair_of(client, UserFactory())
    assert revoke(client, pair["refresh"]).status_code == 204
    assert me(client, pair["access"]).status_code == 401
    assert refresh(client, pair["refresh"]).status_code == 401
    assert actions() == ["token.issue", "token.revoke"]


def test_no_refresh_goes_beyond_the_end_of_the_family(client):
    pair = pair_of(client, UserFactory())
    family = TokenFamily.objects.get()
    ends = family.created_at
    TokenFamily.objects.update(ends_at=ends, expires_at=ends)
    assert refresh(client, pair["refresh"]).status_code == 401
    assert TokenFamily.objects.get().revoked_at is None  # it ended; nobody stole it


@pytest.mark.parametrize("change", [{"is_active": False}, {"auth_version": 1}])
def test_a_changed_account_is_refused_at_the_next_request(client, change):
    user = UserFactory()
    pair = pair_of(client, user)
    User.objects.filter(pk=user.pk).update(**change)
    assert me(client, pair["access"]).status_code == 401
    assert refresh(client, pair["refresh"]).status_code == 401
    assert TokenFamily.objects.get().revoked_at is None


# --- the frame


def test_the_anonymous_get_401_and_an_unknown_address_a_problem(client):
    answer = client.get(reverse("api:me"))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    answer = client.get("/api/v1/nothing/")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_a_page_may_use_the_api_by_its_session(client):
    client.force_login(UserFactory())
    assert client.get(reverse("api:me")).status_code == 200


def test_a_session_with_a_temporary_password_opens_nothing(client):
    client.force_login(UserFactory(must_change_password=True))
    answer = client.get(reverse("api:me"))
    assert (answer.status_code, answer.json()["code"]) == (403, "password_change_required")
    assert "_auth_user_id" in client.session  # refused, not signed out


def test_a_session_without_the_compulsory_factor_opens_nothing(client, settings):
    settings.SECOND_FACTOR = "always"
    client.force_login(UserFactory())
    answer = client.get(reverse("api:me"))
    assert (answer.status_code, answer.json()["code"]) == (403, "factor_required")
    assert verify(client, UserFactory()).get(reverse("api:me")).status_code == 200


def test_a_wrong_token_is_refused_beside_a_good_session(client):
    client.force_login(UserFactory())
    assert client.get(reverse("api:me"), headers=bearer("x.y.z")).status_code == 401


def test_a_session_changes_nothing_without_its_csrf_token():
    class Probe(APIView):
        permission_classes = (SignedIn,)

        def post(self, request):
            return Response({})

    request = APIRequestFactory(enforce_csrf_checks=True).post("/", {})
    request.user = UserFactory()
    answer = Probe.as_view()(request)
    assert answer.status_code == 403
    assert "CSRF" in answer.data["detail"]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "bearer a b", "Basic eDp5", "Bearer \xff\xfe", "x"]
)
def test_an_odd_header_is_401(client, header):
    answer = client.get(reverse("api:me"), headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_fault_of_ours_is_a_problem_without_its_cause(client, monkeypatch):
    token = pair_of(client, UserFactory())["access"]

    def fail(user):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("accounts.api.views.memberships_by_organisation", fail)
    client.raise_request_exception = False
    answer = me(client, token)
    assert answer.status_code == 500
    assert answer.json()["code"] == "error"
    assert "secret detail" not in answer.content.decode()


def test_a_view_that_declares_nobody_answers_nobody(rf):
    request = rf.get("/")
    request.user = UserFactory()
    assert APIView.as_view()(request).status_code == 403
