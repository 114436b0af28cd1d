"""Deciding and signing by keyboard; two readers at once; what must not nudge."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from imaging.models import Review
from imaging.services.reviews import review_save
from tests.accounts.factories import PASSWORD, UserFactory, code_at, enrol
from tests.browser.story import drawn_result

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOKS = """() => [...document.querySelectorAll('.dec label')].map((one) => {
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  return [style.color, style.backgroundColor, style.fontWeight, style.fontSize,
    Math.round(box.width), Math.round(box.height)].join(' ');
})"""


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def result(reader, tmp_path):
    return drawn_result(reader, tmp_path)


def opened(visit, result, user, **options):
    page = visit(result.get_absolute_url(), user=user, **options)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    return page


def test_the_three_choices_look_alike_and_none_is_taken(visit, reader, result):
    for width in (1440, 390):
        page = opened(visit, result, reader, width=width)
        assert page.locator(".dec input:checked").count() == 0
        assert len(set(page.evaluate(LOOKS))) == 1
        assert page.input_value("#id_comment") == ""


@pytest.mark.parametrize("width", [1440, 390])
def test_the_choices_are_in_sight_beside_the_picture(visit, reader, result, width):
    page = opened(visit, result, reader, width=width)
    for label in page.locator(".dec label").all():
        expect(label).to_be_in_viewport(ratio=1)
        label.click(trial=True)
    page.locator(".dec label", has_text="Reject").click()
    expect(page.locator("#id_reason")).to_be_in_viewport(ratio=1)


def test_accept_says_that_it_does_not_keep_the_preview(visit, reader, result):
    page = opened(visit, result, reader)
    kept = page.locator("[data-kept]")
    page.keyboard.press("a")
    expect(kept).to_be_hidden()
    page.locator("body").press(",")
    expect(kept).to_have_text(
        re.compile(r"preview, 0\.45\. Accept keeps the saved threshold, 0\.50")
    )
    page.keyboard.press("e")
    expect(kept).to_be_hidden()


def test_from_the_picture_to_the_signature_by_keyboard(visit, reader, result):
    page = opened(visit, result, reader, verified=True)
    page.keyboard.press(",")
    page.keyboard.press("e")
    page.keyboard.press("Enter")
    expect(page.locator("#decision .verdict")).to_contain_text("Edited")
    review = Review.objects.get()
    assert (review.decision, review.threshold) == ("edited", 0.45)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    page.keyboard.press("s")
    page.wait_for_url(f"**{reverse('imaging:review-sign', args=[review.pk])}")
    enrol(reader)
    page.check("input[name=meaning][value=reviewed]")
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=code]", code_at())
    page.keyboard.press("Enter")
    expect(page.locator("#decision .verdict")).to_contain_text("Signed by")
    review.refresh_from_db()
    assert review.is_signed


def test_measurements_are_inserted_on_asking_only(visit, reader, result):
    page = opened(visit, result, reader)
    assert page.input_value("#id_comment") == ""
    page.click("[data-insert]")
    words = page.input_value("#id_comment")
    assert page.locator("[data-m=area_text]").inner_text() in words
    assert words.count(";") == 2


def test_rejecting_asks_for_its_reason_only_then(visit, reader, result):
    page = opened(visit, result, reader)
    expect(page.locator("#id_reason")).to_be_hidden()
    page.keyboard.press("x")
    expect(page.locator("#id_reason")).to_be_visible()
    page.click("#decision button[type=submit]")
    expect(page.locator("#decision .errors")).to_contain_text("Choose why")


def test_who_comes_second_reads_both(visit, reader, result):
    page = opened(visit, result, reader)
    review_save(by=reader, result=result, seen=0, decision="accepted", comment="first words")
    page.keyboard.press("x")
    page.select_option("#id_reason", "picture")
    page.fill("#id_comment", "second words")
    page.click("#decision button[type=submit]")
    expect(page.locator("main")).to_contain_text("first words")
    expect(page.locator("main")).to_contain_text("second words")
    page.get_by_role("button", name="Save mine after version 1").click()
    expect(page.locator("#decision .verdict")).to_contain_text("second words")


def test_it_works_without_javascript(visit, reader, result):
    page = visit(result.get_absolute_url(), user=reader, java_script_enabled=False)
    page.check("input[name=decision][value=accepted]", force=True)
    page.click("#decision button[type=submit]")
    expect(page.locator("#decision .verdict")).to_contain_text("Accepted")
