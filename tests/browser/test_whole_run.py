"""U6 and U15: from the door to a signed PDF, once by keys alone and once without JavaScript."""

from __future__ import annotations

import io
import re

import pytest
from django.core import mail
from django.urls import reverse
from playwright.sync_api import expect
from pypdf import PdfReader

from imaging.models import Result, Review
from tests.accounts.factories import PASSWORD, UserFactory, code_at, enrol
from tests.browser.test_flow import FILES, PATIENCE_MS, arrive, downloaded, models
from tests.browser.test_viewer_flat import layers

__all__ = ["models"]  # a fixture
pytestmark = [
    pytest.mark.browser,
    pytest.mark.engine,
    pytest.mark.django_db(transaction=True),
]
MOST_STOPS = 90
NAMED = "([selector, words]) => { const one = document.activeElement; " \
        "return one.matches(selector) && one.textContent.includes(words); }"  # fmt: skip
RING = """() => {
  const one = document.activeElement, style = (element) => getComputedStyle(element);
  if (one === document.body) return ""; // past the last stop, in the browser's own bars
  const label = one.closest("label");
  const drawn = [one, label].filter(Boolean).find((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 4 && box.height > 4 && style(element).outlineStyle !== "none";
  });
  const name = `${one.tagName} ${one.id || one.name || one.textContent.trim().slice(0, 30)}`;
  if (!drawn) return `${name}: no ring`;
  if (parseFloat(style(drawn).outlineWidth) < 2) return `${name}: a thin ring`;
  const box = drawn.getBoundingClientRect();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  if (x < 0 || y < 0 || x > innerWidth || y > innerHeight) return `${name}: out of sight`;
  const above = document.elementFromPoint(x, y);
  const lies = above && (drawn.contains(above) || above.contains(drawn) || one.labels?.length
    && [...one.labels].some((words) => words.contains(above)));
  return lies ? "" : `${name}: covered by ${above?.tagName} ${above?.className}`;
}"""


class Keys:
    """A person without a mouse: what has the focus must show it, each time."""

    def __init__(self, page) -> None:
        self.page, self.faults = page, []

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def to(self, selector: str, words: str = "") -> None:
        """Tab until what `selector` names has the focus, looking at each ring on the way."""
        for _ in range(MOST_STOPS):
            self.press("Tab")
            if fault := self.page.evaluate(RING):
                self.faults.append(f"{self.page.url.split('/', 3)[3]}: {fault}")
            if self.page.evaluate(NAMED, [selector, words]):
                return
        raise AssertionError(f"no key leads to {selector} {words}")

    def follow(self, selector: str, words: str = "", *, room: str) -> None:
        self.to(selector, words)
        self.press("Enter")
        arrive(self.page, room)

    def type(self, selector: str, words: str) -> None:
        self.to(selector)
        self.page.keyboard.type(words)


def _sign_in_by_keys(keys: Keys, email: str) -> None:
    keys.type("[name=login]", email)
    keys.type("[name=password]", PASSWORD)
    keys.press("Enter")
    keys.page.get_by_role("heading", name="Your second factor").wait_for()
    if not keys.page.evaluate("document.activeElement.matches('[name=code]')"):
        keys.to("[name=code]")
    keys.page.keyboard.type(code_at())
    keys.press("Enter")
    keys.page.get_by_role("heading", name="Dashboard").wait_for()


def _upload_and_run_by_keys(keys: Keys, work) -> None:
    keys.to("a", "Upload")
    keys.press("Enter")
    keys.page.get_by_role("heading", name="Upload images").wait_for()
    keys.to("#id_files")
    with keys.page.expect_file_chooser() as chooser:
        keys.press("Space")
    chooser.value.set_files(FILES[:1])
    keys.to("[name=modality]")
    keys.press("ArrowRight")
    keys.follow("main [type=submit]", "Upload", room="uploads")
    work()
    keys.page.get_by_role("button", name="Choose models and weights").wait_for()
    keys.to("button", "Choose models and weights")
    keys.press("Enter")
    keys.page.get_by_role("heading", name="Run an ensemble").wait_for()
    keys.to("[name=member]")
    if not keys.page.locator("[name=member]:checked").count():
        keys.press("Space")
    keys.follow("main [type=submit]", "Start on 1 image", room="runs")
    work()
    expect(keys.page.locator("#run-status")).to_contain_text("1 of 1 done", timeout=PATIENCE_MS)


def _decide_and_sign_by_keys(keys: Keys) -> None:
    keys.follow("a", "Open result", room="results")
    expect(keys.page.locator("html[data-viewer=webgl]")).to_be_attached()
    keys.press("a", "Enter")
    expect(keys.page.locator("#decision .verdict")).to_contain_text("Accepted")
    expect(keys.page.locator("html[data-viewer=webgl]")).to_be_attached()
    keys.press("s")
    keys.page.get_by_role("heading", name="Sign version").wait_for()
    keys.to("[name=meaning]")
    keys.press("Space")
    keys.type("[name=password]", PASSWORD)
    keys.type("[name=code]", code_at(1))
    keys.press("Enter")
    expect(keys.page.locator("#decision .verdict")).to_contain_text("Signed by")


def test_by_keys_alone_from_sign_in_to_the_signed_report(visit, models, work):
    user = UserFactory(name="Keyboard Person")
    enrol(user)
    keys = Keys(visit(reverse("account_login")))
    _sign_in_by_keys(keys, user.email)
    _upload_and_run_by_keys(keys, work)
    _decide_and_sign_by_keys(keys)
    keys.to("summary", "Export")
    keys.press("Enter")
    keys.follow("button", "PDF report", room="exports")
    work()
    download = keys.page.get_by_role("link", name="Download")
    download.wait_for()
    keys.to("a", "Download")
    with keys.page.expect_download(timeout=PATIENCE_MS) as arrived:
        keys.press("Enter")
    report = PdfReader(io.BytesIO(arrived.value.path().read_bytes())).pages[0].extract_text()
    assert Review.objects.get().is_signed
    assert "Keyboard Person" in report
    assert "Unsigned" not in report
    assert keys.faults == []


def _register(page, base: str) -> str:
    """A new account with its second factor; return the factor's key."""
    page.fill("[name=email]", "new@example.org")
    for name in ("password1", "password2"):
        page.fill(f"[name={name}]", PASSWORD)
    page.click("main button[type=submit]")
    page.fill("[name=code]", re.search(r"^ {4}(\S+)$", mail.outbox[-1].body, re.M)[1])
    page.click("main button[type=submit]")
    page.get_by_role("heading", name="Dashboard").wait_for()
    page.goto(base + reverse("mfa_activate_totp"))
    if page.locator("[name=password]").count():
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
    seed = page.inner_text(".key").replace(" ", "")
    page.fill("[name=code]", code_at(seed=seed))
    page.click("text=Confirm code")
    expect(page.locator(".codes li")).to_have_count(10, timeout=PATIENCE_MS)
    return seed


def _send_and_run(page, base: str, work) -> None:
    page.goto(base + reverse("imaging:upload-create"))
    page.set_input_files("#id_files", FILES[:1])
    page.check("[name=modality][value=xray]", force=True)
    page.click("[data-upload] [type=submit]")
    arrive(page, "uploads")
    work()  # the page asks again by itself
    page.get_by_role("button", name="Choose models and weights").click()
    page.locator("[name=member]:enabled").first.check()
    page.get_by_role("button", name="Start on 1 image").click()
    arrive(page, "runs")
    expect(page.locator("#run-status")).to_contain_text("0 of 1 done")
    work()
    expect(page.locator("#run-status")).to_contain_text("1 of 1 done", timeout=PATIENCE_MS)
    page.get_by_role("link", name="Open result").click()
    arrive(page, "results")
    page.wait_for_load_state("networkidle")


def _look(page) -> None:
    """Original, mask and overlay; each choice of the form moves into the address."""
    assert layers(page) == ["original", "heat", "outline"]
    page.check("[name=mode][value=mask]", force=True)
    page.select_option("[name=palette]", "cividis")
    page.locator("#op").fill("70")
    page.locator("#th").fill("0.30")
    page.click("[data-apply]")
    page.wait_for_load_state("networkidle")
    assert layers(page) == ["mask"]
    for asked in ("mode=mask", "palette=cividis", "t=0.3"):
        assert asked in page.url
    result = Result.objects.get()
    row = next(row for row in result.table if row["t"] == 0.3)
    expect(page.locator("[data-m=area_text]")).to_have_text(row["area_text"])


def _sign(page, seed: str) -> None:
    page.check("[name=decision][value=accepted]", force=True)
    page.click("#decision button[type=submit]")
    page.locator("#decision").get_by_role("link", name="Sign").click()
    page.locator("[name=meaning]").first.check()
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=code]", code_at(1, seed=seed))
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator("#decision .verdict")).to_contain_text("Signed by")


def test_without_javascript_from_registering_to_the_signed_report(visit, live_server, models, work):
    base = live_server.url
    page = visit(reverse("account_signup"), java_script_enabled=False)
    seed = _register(page, base)
    _send_and_run(page, base, work)
    _look(page)
    _sign(page, seed)
    page.click(".vtop details summary")
    page.get_by_role("button", name="PDF report").click()
    arrive(page, "exports")
    work()
    page.get_by_role("link", name="Download").wait_for()
    report = PdfReader(io.BytesIO(downloaded(page))).pages[0].extract_text()
    assert Review.objects.get().is_signed
    assert "new@example.org" in report
    assert "Unsigned" not in report
