"""The API as a program calls it."""

from __future__ import annotations

from django.urls import reverse

from tests.accounts.factories import PASSWORD


def sign_in(client, user, **changes):
    body = {"email": user.email, "password": PASSWORD} | changes
    return client.post(reverse("api:token"), body, content_type="application/json")


def pair_of(client, user) -> dict:
    answer = sign_in(client, user)
    assert answer.status_code == 200, answer.content
    return answer.json()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def me(client, token: str):
    return client.get(reverse("api:me"), headers=bearer(token))


def refresh(client, token: str):
    return client.post(
        reverse("api:token-refresh"), {"refresh": token}, content_type="application/json"
    )


def revoke(client, token: str):
    return client.post(
        reverse("api:token-revoke"), {"refresh": token}, content_type="application/json"
    )
