"""The strength meter: the server's judgement, said while one types."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.passwords.building import common
from accounts.passwords.guessing import FILE, estimate
from accounts.passwords.refusing import reasons
from tests.accounts.factories import UserFactory
from tests.shell.test_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ABOUT = ["Amara Novak", "amara@north-clinic.example"]
TRIED = [
    "", "short", "Summer2026!!", "M3d1Sc4n2026!", "P@ssw0rd1234", "N0vakN0vak99", "1qaz2wsx3edc",
    "zyxwvutsrqpo", "abcxabcxabcx", "184639057261", "teal window forest", "xK9#mQ2$vL7@",
    "Übergrößen träumen leise", "лиловый трамвай едет", "İstanbul ﬁne 𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "👩‍⚕️👩‍⚕️👩‍⚕️ x",
    "a" * 200, *common()[::400],
]  # fmt: skip


def test_browser_and_server_judge_alike(visit):
    page = visit(reverse("account_signup"))
    found = page.evaluate(
        """async ([about, tried, raw]) => {
            const address = document.querySelector('script[src*="password"]').src;
            const { prepare, estimate, reasons } = await import(address);
            const table = prepare(raw);
            return tried.map((one) => {
                const { bits, level } = estimate(one, about, table);
                return [bits, level, reasons(one, about, table)];
            });
        }""",
        [ABOUT, TRIED, json.loads(FILE.read_text(encoding="utf-8"))],
    )
    for password, (bits, level, why) in zip(TRIED, found, strict=True):
        here = estimate(password, ABOUT)
        assert (level, why) == (here.level, reasons(password, ABOUT)), password
        assert bits == pytest.approx(here.bits), password


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_meter_follows_what_is_typed(visit, scheme):
    page = visit(reverse("account_signup"), color_scheme=scheme)
    page.fill("#id_email", "amara@example.org")
    page.fill("#id_name", "Amara Novak")
    meter = page.locator(".strength")
    expect(meter).to_be_hidden()
    page.fill("#id_password1", "AmaraNovak2026")
    expect(meter).to_contain_text("Very weak", use_inner_text=True)
    expect(meter).to_contain_text("made of your name", use_inner_text=True)
    assert violations(page) == []
    page.fill("#id_password1", "slow lanterns under quiet marble")
    expect(meter.locator("[aria-live=polite]")).to_have_text("Strong.", use_inner_text=True)
    assert page.evaluate("document.querySelector('.strength meter').value") == 4


def test_a_new_person_in_the_admin_is_measured_too(visit):
    operator = UserFactory(is_staff=True, is_superuser=True)
    page = visit(reverse("admin:accounts_user_add"), user=operator, verified=True)
    page.fill("#id_password1", "mediscan123456")
    expect(page.locator(".strength")).to_contain_text(
        "the name of this product", use_inner_text=True
    )


def test_without_scripts_there_is_a_hint_and_no_empty_meter(visit):
    page = visit(reverse("account_signup"), java_script_enabled=False)
    expect(page.locator(".strength")).to_be_hidden()
    expect(page.locator("#id_password1_helptext")).to_contain_text("At least 12 characters")
