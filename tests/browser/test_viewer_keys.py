"""The viewer by keyboard alone: every shortcut, none while a field has the focus."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result
from tests.imaging.factories import ImageFactory, JobFactory, ResultFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STATE = "() => ({...window.mediscanViewer.state, tool: window.mediscanViewer.tool})"
KEYS = [  # key, what it changes, how
    ("m", "mode", "mask"),
    ("o", "mode", "outline"),
    ("d", "mode", "disagreement"),
    ("h", "mode", "off"),
    ("i", "inverted", True),
    ("f", "flipped", True),
    ("p", "tool", "pan"),
    ("z", "tool", "zoom"),
    ("w", "tool", "window"),
    ("+", "zoom", 1.2),
    ("[", "opacity", 0.5),
    ("]", "opacity", 0.55),
    (",", "threshold", 0.45),
    (".", "threshold", 0.5),
]


@pytest.fixture
def page(visit, tmp_path):
    user = UserFactory()
    page = visit(drawn_result(user, tmp_path).get_absolute_url(), user=user)
    expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
    return page


def test_each_key_does_what_the_list_says(page):
    for key, name, value in KEYS:
        if key == "h":
            page.keyboard.press("h")  # the mode is another by now: first on, then off
        page.keyboard.press(key)
        assert page.evaluate(STATE)[name] == value, key
    page.keyboard.press("0")
    state = page.evaluate(STATE)
    assert (state["zoom"], state["inverted"], state["flipped"]) == (1, False, False)
    page.keyboard.press("c")
    assert page.input_value("#cm") == "cividis"
    page.keyboard.press("2")
    assert page.input_value("#wp") == page.locator("#wp option").nth(1).get_attribute("value")


def test_arrows_pan_and_space_bares_the_picture_while_it_has_the_focus(page):
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(STATE)["x"] == 0
    page.focus("canvas.main")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(STATE)["x"] == 30
    page.keyboard.down(" ")
    assert page.evaluate(STATE)["mode"] == "off"
    page.keyboard.up(" ")
    assert page.evaluate(STATE)["mode"] == "heat"


def test_no_shortcut_while_a_field_has_the_focus(page):
    before = page.evaluate(STATE)
    for field in ("#th", "#op", "#cm", "#wp"):
        page.focus(field)
        for key in "iof0":
            page.keyboard.press(key)
        assert page.evaluate(STATE) == before, field


def test_a_slider_steps_by_arrows(page):
    page.focus("#th")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tho")).to_have_text("0.45")
    assert page.evaluate(STATE)["threshold"] == 0.45


def test_the_list_of_shortcuts_opens_by_key_and_closes_by_escape(page):
    page.keyboard.press("?")
    dialog = page.locator("[data-shortcuts]")
    expect(dialog).to_be_visible()
    listed = dialog.locator("kbd").all_inner_texts()
    assert len(listed) == len(set(listed))
    assert {key.upper() for key, _, _ in KEYS} <= set(listed)
    page.keyboard.press("m")
    assert page.evaluate(STATE)["mode"] == "heat", "nothing behind the dialog hears a key"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_rail_is_one_tab_stop_with_arrows(page):
    assert page.locator("[data-rail] button[tabindex='0']").count() == 1
    page.focus("[data-tool=window]")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.tool") == "pan"
    page.keyboard.press("Enter")
    assert page.evaluate(STATE)["tool"] == "pan"
    assert page.get_attribute("[data-tool=pan]", "aria-pressed") == "true"


def test_a_drag_windows_and_every_drag_has_a_key(page):
    before = page.evaluate(STATE)
    box = page.locator("canvas.main").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.up()
    assert page.evaluate(STATE)["width"] > before["width"]
    expect(page.locator("[data-probe]")).to_contain_text("value")
    page.keyboard.press("1")
    assert page.evaluate(STATE)["width"] == before["width"]


def test_the_export_menu_opens_by_key_and_closes_by_escape(page):
    page.focus(".vtop details summary")
    page.keyboard.press("Enter")
    expect(page.locator(".vtop .pop")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".vtop .pop")).to_be_hidden()


def test_n_leads_to_the_next_result_of_the_run_and_shift_n_back(visit, tmp_path):
    user = UserFactory()
    first = drawn_result(user, tmp_path)
    image = ImageFactory(user=user)
    job = JobFactory(run=first.job.run, image=image, succeeded=True, position=1)
    second = ResultFactory(job=job)
    page = visit(first.get_absolute_url(), user=user)
    for key, result in (("n", second), ("Shift+N", first)):
        expect(page.locator("html[data-viewer=webgl]")).to_be_attached()
        page.keyboard.press(key)
        page.wait_for_url(f"**{result.get_absolute_url()}*")
