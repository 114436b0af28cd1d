"""U5, U9: every form, sent wrong, says so to everybody; the refused page is accessible as well."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect

from tests.browser.refused_forms import (
    ADMIN,
    NEVER_REFUSED,
    NO_PROGRAMS,
    NOTICE,
    PAGE,
    REFUSED,
    Wrong,
    filler,
)
from tests.browser.refused_world import build_for_refusals
from tests.browser.test_admin import DJANGOS_OWN
from tests.browser.test_pages import faults
from tests.security.matrix import World
from tests.security.test_s23_mass_assignment import FORMS, SENT

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = ((1440, "light"), (390, "dark"))
COOKIE = django_settings.SESSION_COOKIE_NAME
DEMANDS = {name: demand for name, demand, _ in SENT}
FILL = """([address, typed]) => {
  const own = (form) => (form.getAttribute("action") || location.pathname) === address;
  const forms = [...document.forms].filter((form) => form.method === "post" && own(form));
  const all = (form) => Object.keys(typed).every((name) => form.elements[name]);
  const other = document.querySelector(`button[formaction="${address}"]`); // of a form's own
  if (other) other.form.setAttribute("action", address);
  const form = other?.form || forms.find(all) || forms[0];
  if (!form) return `no form is sent to ${address}`;
  for (const one of form.elements) {
    if (["hidden", "submit", "button", "fieldset"].includes(one.type)) continue;
    if (["checkbox", "radio"].includes(one.type)) one.checked = false;
    else one.value = "";
  }
  for (const [name, value] of Object.entries(typed)) {
    if (form.elements[name].type === "submit") { // which button was pressed
      form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
      continue;
    }
    if (form.elements[name].type === "date") form.elements[name].type = "text";
    form.elements[name].value = value;
  }
  window.filled = form;
  return "";
}"""
SEND = "HTMLFormElement.prototype.submit.call(window.filled)"  # past `required` and every script
UNTOLD = """() => [...document.querySelectorAll(".errors a[href^='#']")].flatMap((link) => {
  const there = document.getElementById(link.hash.slice(1));
  if (!there) return [`${link.hash} leads nowhere`];
  const kinds = "input, select, textarea";
  const inputs = there.matches(kinds) ? [there] : [...there.querySelectorAll(kinds)];
  const group = there.closest("fieldset");
  const ids = [...inputs, group].filter(Boolean)
    .flatMap((one) => (one.getAttribute("aria-describedby") || "").split(" ")).filter(Boolean);
  const lost = ids.filter((id) => !document.getElementById(id)).map((id) => `no #${id}`);
  const told = ids.some((id) => link.textContent.includes(
    document.getElementById(id)?.textContent.trim() || "nothing"));
  return [
    ...lost,
    ...(inputs.some((one) => one.getAttribute("aria-invalid") === "true") ? []
      : [`${link.hash} is not said to be invalid`]),
    ...(told ? [] : [`${link.hash} is not described by its error`]),
  ];
})"""


def test_every_form_is_here_or_has_its_reason():
    sent = {name for name in DEMANDS if not name.startswith(NO_PROGRAMS)}
    assert REFUSED.keys() | NEVER_REFUSED.keys() == sent | FORMS.keys()
    assert not REFUSED.keys() & NEVER_REFUSED.keys()
    assert all(NEVER_REFUSED.values())


def test_each_form_that_is_wrong_says_so(browser, live_server, queued, settings, tmp_path):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 86_400
    found = refusals(browser, live_server.url, build_for_refusals(tmp_path))
    assert found == {}


def refusals(browser, url: str, world: World, looks=LOOKS) -> dict[str, list]:
    """Send every form of REFUSED wrong; return by name what is amiss on the page that answers."""
    found = {}
    for name, wrong in REFUSED.items():
        wrong = replace(wrong, person=filler(name, wrong, DEMANDS[name]))
        context = browser.new_context(reduced_motion="reduce")  # no colour is on its way to another
        value = world.clients[wrong.person].cookies[COOKIE].value
        context.add_cookies([{"name": COOKIE, "value": value, "url": url}])
        page = context.new_page()
        page.goto(url + wrong.stands_at(world, name))
        found[name] = refused(page, wrong, wrong.sent_to(world, name), looks)
        context.close()
    return {name: what for name, what in found.items() if what}


def refused(page, wrong: Wrong, address: str, looks=LOOKS) -> list:
    """Send the form; return what is amiss on the page that refuses it, in each look."""
    if amiss := page.evaluate(FILL, [address, dict(wrong.typed)]):
        return [f"{page.title()}: {amiss}"]
    with page.expect_navigation() as answer:
        page.evaluate(SEND)
    amiss = TOLD[wrong.says](page, answer.value)
    for width, scheme in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        amiss += [(width, scheme, one) for one in faults(page) if one[0] not in DJANGOS_OWN]
    return amiss


def told_on_the_page(page, answer) -> list:
    amiss = page.evaluate(UNTOLD)
    if answer.status != 422:
        amiss.append(f"status {answer.status}")
    if not page.title().startswith("Error:"):
        amiss.append(f"title {page.title()}")
    summary = page.locator(".errors")
    if summary.count() != 1:
        return [*amiss, f"{summary.count()} summaries"]
    expect(page.locator(".errors:focus")).to_be_attached()
    return amiss


def told_by_a_notice(page, answer) -> list:
    shown = page.locator(".notices .toast.error, .notices .toast.warning")
    return [] if answer.status == 200 and shown.count() else [f"{answer.status}, no notice"]


def told_by_the_admin(page, answer) -> list:
    is_named = page.title().startswith("Error:") and page.locator(".errornote").count() == 1
    return [] if is_named else [f"title {page.title()}"]


TOLD = {PAGE: told_on_the_page, NOTICE: told_by_a_notice, ADMIN: told_by_the_admin}
