"""PURE: one table of who may do what and where; pages, API, admin, templates and tests read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

RADIOLOGIST, CLINICIAN, TECHNICIAN = "radiologist", "clinician", "technician"
RESEARCHER, ADMINISTRATOR = "researcher", "administrator"
AUDITOR, INTEGRATOR = "auditor", "integrator"


def _(text: str) -> str:
    """Mark words for translation; they are translated where they are shown."""
    return text


ROLES = {
    RADIOLOGIST: _("Radiologist"),
    CLINICIAN: _("Clinician"),
    TECHNICIAN: _("Technician"),
    RESEARCHER: _("Researcher"),
    ADMINISTRATOR: _("Administrator"),
    AUDITOR: _("Auditor"),
    INTEGRATOR: _("Integrator"),
}
OVERSIGHT = (ADMINISTRATOR, AUDITOR)  # of the whole organisation, and never both in one person

OWN, ASSIGNED, DEPARTMENT = "own", "assigned", "department"
ORGANISATION, COHORT, HOUSE = "organisation", "cohort", "house"


@dataclass(frozen=True, slots=True)
class Cell:
    """What one role may do of one action: where, after a fresh proof or not, for how long.

    `scope` is OWN (what they sent or asked for), ASSIGNED (patients they were
    given), DEPARTMENT, ORGANISATION, COHORT (de-identified only) or HOUSE
    (nobody's data, such as the registry). `hours` counts from the upload.
    """

    scope: str
    step_up: bool = False
    hours: int | None = None


own, assigned, department = Cell(OWN), Cell(ASSIGNED), Cell(DEPARTMENT)
organisation, cohort, house = Cell(ORGANISATION), Cell(COHORT), Cell(HOUSE)


def proved(cell: Cell) -> Cell:
    """The same, after a proof that is at most five minutes old."""
    return replace(cell, step_up=True)


# action -> role -> cell; a role that is not here may not, an action that is not here is an error
TABLE: Mapping[str, Mapping[str, Cell]] = {
    # patients
    "patient.view": {RADIOLOGIST: department, CLINICIAN: assigned, TECHNICIAN: department,
                     ADMINISTRATOR: proved(organisation), INTEGRATOR: own},
    "patient.create": {TECHNICIAN: department, INTEGRATOR: own},
    "patient.change": {RADIOLOGIST: department, TECHNICIAN: department},
    "patient.find": {RADIOLOGIST: organisation, CLINICIAN: organisation,
                     TECHNICIAN: organisation, ADMINISTRATOR: organisation},
    "patient.assign": {RADIOLOGIST: department, TECHNICIAN: department,
                       ADMINISTRATOR: organisation},
    "patient.erase": {ADMINISTRATOR: proved(organisation)},  # two of them
    "patient.erase_witness": {AUDITOR: organisation},
    # images
    "upload.create": {RADIOLOGIST: department, CLINICIAN: assigned, TECHNICIAN: department,
                      INTEGRATOR: own},
    "study.view": {RADIOLOGIST: department, CLINICIAN: assigned, TECHNICIAN: department,
                   INTEGRATOR: own},
    "study.move": {RADIOLOGIST: department, TECHNICIAN: department},  # to another department
    "study.correct": {RADIOLOGIST: department, TECHNICIAN: department},  # until it is analysed
    "study.assign": {RADIOLOGIST: department, TECHNICIAN: department},  # to a reader
    "study.ask_deletion": {RADIOLOGIST: department, TECHNICIAN: department},
    "study.delete": {ADMINISTRATOR: proved(organisation)},
    "pixels.view": {RADIOLOGIST: department, CLINICIAN: assigned,
                    TECHNICIAN: replace(department, hours=24)},
    "pixels.view_deidentified": {RESEARCHER: cohort},
    # analyses
    "run.submit": {RADIOLOGIST: department, CLINICIAN: assigned, TECHNICIAN: department,
                   INTEGRATOR: own},
    "run.submit_cohort": {RESEARCHER: cohort},
    "run.view": {RADIOLOGIST: department, CLINICIAN: assigned, TECHNICIAN: department,
                 INTEGRATOR: own},  # the state; a technician sees no more of a result
    "result.view": {RADIOLOGIST: department, CLINICIAN: assigned, INTEGRATOR: own},
    "result.view_deidentified": {RESEARCHER: cohort},
    "result.count": {ADMINISTRATOR: organisation},
    "gate.override": {RADIOLOGIST: department},  # with a reason, on every print
    "review.save": {RADIOLOGIST: department},
    "review.sign": {RADIOLOGIST: proved(department)},  # sign, amend
    # what leaves the house
    "export.create": {RADIOLOGIST: department, CLINICIAN: assigned},  # PDF, SEG, SR
    "export.read_signed": {RADIOLOGIST: department, CLINICIAN: assigned, INTEGRATOR: own},
    "export.create_bulk": {RADIOLOGIST: proved(department)},  # CSV, XLSX, ZIP
    "export.create_deidentified": {RESEARCHER: proved(cohort)},
    # models
    "model.view": {role: house for role in ROLES if role != INTEGRATOR},
    "model.add": {ADMINISTRATOR: proved(house)},
    "model.approve_clinical": {RADIOLOGIST: proved(house)},
    "model.approve_technical": {ADMINISTRATOR: proved(house)},
    "ensemble.save": {RADIOLOGIST: organisation},  # a proposal
    "ensemble.approve": {ADMINISTRATOR: proved(organisation)},
    "ensemble.view": {ADMINISTRATOR: organisation, AUDITOR: organisation},
    "rule.manage": {ADMINISTRATOR: proved(organisation)},  # what is analysed by itself
    # cohorts: what the *_deidentified and *_cohort actions above reach
    "cohort.manage": {ADMINISTRATOR: proved(organisation)},  # who sees no patient chooses by filter
    "cohort.review": {RADIOLOGIST: department},  # looks for text in held-back pictures
    # people
    "people.view": {ADMINISTRATOR: organisation, AUDITOR: organisation},
    "people.manage": {ADMINISTRATOR: proved(organisation)},  # not oneself, no Auditor
    "lock.view": {ADMINISTRATOR: organisation, AUDITOR: organisation},
    "lock.lift": {ADMINISTRATOR: proved(organisation)},
    "apikey.manage": {ADMINISTRATOR: proved(organisation)},
    "webhook.manage": {ADMINISTRATOR: proved(organisation)},
    # oversight
    "audit.view_own": dict.fromkeys(ROLES, own),
    "audit.view": {ADMINISTRATOR: organisation, AUDITOR: organisation},  # the former: metadata
    "audit.verify": {AUDITOR: organisation},
    "audit.export": {AUDITOR: proved(organisation)},
    "analytics.view": {RADIOLOGIST: department, ADMINISTRATOR: organisation,
                       AUDITOR: organisation},  # totals; a researcher's cohort has none yet
    "analytics.view_readers": {RADIOLOGIST: own, ADMINISTRATOR: organisation},
    "plan.view": {ADMINISTRATOR: organisation, AUDITOR: organisation},
    "plan.ask": {ADMINISTRATOR: organisation},  # for another one
    "plan.change": {},  # an operator's
    "letterhead.manage": {ADMINISTRATOR: proved(organisation)},  # logo and words of the PDF
    "key.view_state": {AUDITOR: organisation},  # the rest is the command line's
    "house.view": {ADMINISTRATOR: house},  # its health; staff see it without a role
    "admin.open": {ADMINISTRATOR: organisation, AUDITOR: organisation},
    "glass.break": {RADIOLOGIST: proved(organisation), CLINICIAN: proved(organisation),
                    ADMINISTRATOR: proved(organisation)},
    "glass.review": {AUDITOR: organisation},
}  # fmt: skip

# what an open break-glass shows of its one patient, whatever the role
UNDER_GLASS = frozenset({"patient.view", "study.view", "pixels.view", "run.view", "result.view"})


def may(roles: Iterable[str], action: str) -> bool:
    """Say whether any of `roles` may do `action`. Raises KeyError for an undeclared action."""
    return not TABLE[action].keys().isdisjoint(roles)


def scope_of(role: str, action: str) -> Cell | None:
    """Return where `role` may do `action`; None: nowhere. KeyError for an undeclared action."""
    return TABLE[action].get(role)


def needs_step_up(action: str, roles: Iterable[str] = ROLES) -> bool:
    """Say whether each of `roles` that may do `action` must prove themselves afresh."""
    cells = [TABLE[action][role] for role in roles if role in TABLE[action]]
    return bool(cells) and all(cell.step_up for cell in cells)


def roles_for(action: str) -> list[str]:
    """Return the roles that may do `action`. Raises KeyError for an undeclared action."""
    return sorted(TABLE[action])


def names_for(action: str) -> list[str]:
    """Return the role names that may do `action`, for the sentence of a refusal."""
    return [name for role, name in ROLES.items() if role in TABLE[action]]
