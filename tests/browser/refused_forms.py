"""Every form of the house: where it stands, who fills it in, what is wrong; or why none is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.urls import reverse

from accounts import roles
from tests.browser.refused_world import READS_ALL, READS_FIRST
from tests.security.matrix import DEPARTMENT, OWN, World
from tests.security.test_s21_matrix import KIND
from tests.security.test_s23_mass_assignment import person_for

PAGE, NOTICE, ADMIN = "page", "notice", "admin"
NO_PROGRAMS = ("api:", "plain:", "dicomweb:", "ml:")


@dataclass(frozen=True, slots=True)
class Wrong:
    """One form sent empty, but for `typed`; `page` names where it stands, if not at its own.

    says  how it is refused: 422 with a summary that takes focus; the page again with a notice;
          as Django's admin does.
    """

    page: str = ""
    says: str = PAGE
    person: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    query: Callable[[World], str] = lambda world: ""
    place: str = OWN
    kind: str = ""  # what the page's address names, if not what the form's does

    def stands_at(self, world: World, name: str) -> str:
        page = self.page or name
        kind = self.kind or KIND.get(page)
        pk = [world.id_of(kind, self.place, self.person)] if kind else []
        return reverse(page, args=pk) + self.query(world)

    def sent_to(self, world: World, name: str) -> str:
        kind = KIND.get(name) and (self.kind or KIND[name])
        return reverse(name, args=[world.id_of(kind, self.place, self.person)] if kind else [])


def notice(page: str, **more) -> Wrong:
    return Wrong(page, NOTICE, **more)


REFUSED = {
    "account": Wrong(),
    "account_email": Wrong(typed={"action_add": ""}),
    "accounts:api-key-new": Wrong(),
    "accounts:webhook-edit": Wrong(),
    "accounts:webhook-new": Wrong(),
    "analytics:plan-ask": Wrong("analytics:plans"),
    "imaging:assignment-list": Wrong(),
    "imaging:cohort-manage": Wrong(),
    "imaging:erasure-list": Wrong(),
    "imaging:glass-open": Wrong(person=roles.CLINICIAN, place=DEPARTMENT),
    "imaging:image-read": Wrong(person=READS_FIRST, kind="unread image"),
    "imaging:patient-change": Wrong(typed={"birth_date": "in spring", "seen": "1"}),
    "imaging:patient-find": Wrong(),
    "imaging:review-create": Wrong(
        "imaging:result-detail", person=READS_ALL, typed={"seen": "0"}, kind="drawn result"
    ),
    "imaging:review-sign": Wrong(),
    "imaging:review-upload": Wrong(person=READS_ALL, typed={"seen": "0"}, kind="drawn result"),
    "imaging:rule-edit": Wrong(),
    "imaging:rule-new": Wrong(),
    "imaging:run-create": Wrong(
        query=lambda world: f"?image={world.id_of('image', OWN, '')}", typed={"threshold": ""}
    ),
    "imaging:slicer": Wrong(typed={"place": "nowhere"}),
    "imaging:study-correct": Wrong(kind="fresh study"),
    "imaging:upload-create": Wrong(),
    "people:department-create": Wrong("people:list"),
    "people:invite": Wrong("people:list"),
    "reports:letterhead": Wrong(typed={"address": "1\n2\n3\n4\n5"}),
    "imaging:cohort-decide": notice("imaging:cohort-review"),
    "imaging:cohort-run": notice("imaging:cohort-detail"),
    "imaging:deletion-decline": notice("imaging:deletion-list"),
    "imaging:ensemble-decline": notice("imaging:ensemble-list"),
    "imaging:gate-override": notice(
        "imaging:result-detail", person=READS_ALL, kind="refused result"
    ),
    "imaging:glass-review": notice("imaging:glass-list"),
    "imaging:record-search": notice("imaging:study-list"),
    "imaging:study-ask-deletion": notice("imaging:study-detail", kind="fresh study"),
    "imaging:study-assign": notice("imaging:study-list"),
    "imaging:study-move": notice("imaging:study-detail"),
    "imaging:upload-send": notice("imaging:upload-detail"),
    "imaging:view-keep": notice("imaging:study-list", query=lambda world: "?modality=xray"),
    "people:department-rename": notice("people:list"),
    "people:membership-change": notice("people:list", typed={"until": "in spring"}),
    "reports:cohort-export": notice("reports:cohort-files"),
    "reports:export-create": notice("imaging:result-detail", person=READS_ALL, kind="drawn result"),
    "trail:find": notice("trail:list"),
}
A_BUTTON = "a single button: there is nothing to get wrong on it"
A_SCRIPT = "its script sends it and shows the answer: "
NEVER_REFUSED = {
    **dict.fromkeys((
        "accounts:api-key-revoke", "accounts:reading", "accounts:webhook-remove",
        "accounts:webhook-resend", "accounts:webhook-rotate", "accounts:webhook-switch",
        "accounts:webhook-test", "imaging:assignment-end", "imaging:cohort-close",
        "imaging:deletion-approve", "imaging:deletion-restore", "imaging:ensemble-approve",
        "imaging:erasure-approve", "imaging:erasure-withdraw", "imaging:job-retry",
        "imaging:model-approve-clinical", "imaging:model-approve-technical",
        "imaging:model-confirm", "imaging:model-restore", "imaging:model-retire",
        "imaging:result-print", "imaging:rule-remove", "imaging:rule-switch", "imaging:run-cancel",
        "locks:lift", "people:invitation-withdraw", "people:membership-end",
        "reports:cohort-file-delete", "reports:export-cancel", "reports:export-delete",
        "reports:letterhead-use", "signin:session-end-others", "status", "trail:export",
        "trail:notices-read", "trail:verify",
    ), A_BUTTON),
    "people:read-first": "one box: ticked and not ticked are both right",
    "account-preference": A_SCRIPT + "a choice of a quick button, kept or not",
    "imaging:review-paint": A_SCRIPT + "tests/browser/test_paint.py",
    "imaging:upload-open": A_SCRIPT + "tests/browser/test_uploads.py",
}  # fmt: skip


def filler(name: str, wrong: Wrong, demand: str) -> str:
    return wrong.person or person_for(demand)
