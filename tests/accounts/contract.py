"""SECURITY §3 as it was agreed, typed a second time: what roles.py says is compared with it."""

from __future__ import annotations

SHORT = {"R": "radiologist", "C": "clinician", "T": "technician", "Re": "researcher",
         "Ad": "administrator", "Au": "auditor", "I": "integrator"}  # fmt: skip
LETTER = {"own": "own", "assigned": "a", "department": "d", "organisation": "o", "cohort": "c",
          "house": "h"}  # fmt: skip
CONTRACT = {  # action: who and where; * is step-up
    "patient.view": "R d, C a, T d, Ad o*, I own",
    "patient.change": "R d, T d",
    "patient.create": "T d, I own",
    "upload.create": "R d, C a, T d, I own",
    "pixels.view": "R d, C a, T d",
    "pixels.view_deidentified": "Re c",
    "run.submit": "R d, C a, T d, I own",
    "run.submit_cohort": "Re c",
    "run.view": "R d, C a, T d, I own",
    "result.view": "R d, C a, I own",
    "result.view_deidentified": "Re c",
    "result.count": "Ad o",
    "review.save": "R d",
    "gate.override": "R d",
    "review.sign": "R d*",
    "export.create": "R d, C a",
    "export.read_signed": "R d, C a, I own",
    "export.create_bulk": "R d*",
    "export.create_deidentified": "Re c*",
    "study.ask_deletion": "R d, T d",
    "study.delete": "Ad o*",
    "patient.erase": "Ad o*",
    "patient.erase_witness": "Au o",
    "model.add": "Ad h*",
    "model.approve_clinical": "R h*",
    "model.approve_technical": "Ad h*",
    "ensemble.save": "R o",
    "ensemble.approve": "Ad o*",
    "ensemble.view": "Ad o, Au o",
    "people.manage": "Ad o*",
    "people.view": "Ad o, Au o",
    "lock.view": "Ad o, Au o",
    "lock.lift": "Ad o*",
    "audit.view": "Ad o, Au o",
    "audit.verify": "Au o",
    "audit.export": "Au o*",
    "audit.view_own": "R own, C own, T own, Re own, Ad own, Au own, I own",
    "plan.view": "Ad o, Au o",
    "plan.ask": "Ad o",
    "plan.change": "",
    "key.view_state": "Au o",
    "glass.break": "R o*, C o*, Ad o*",
    "glass.review": "Au o",
    # not in the contract by name: what its rows need to be reached
    "study.view": "R d, C a, T d, I own",
    "study.move": "R d, T d",
    "study.assign": "R d, T d",
    "patient.find": "R o, C o, T o, Ad o",
    "patient.assign": "R d, T d, Ad o",
    "model.view": "R h, C h, T h, Re h, Ad h, Au h",
    "apikey.manage": "Ad o*",
    "webhook.manage": "Ad o*",
    "cohort.manage": "Ad o*",
    "study.correct": "R d, T d",
    "letterhead.manage": "Ad o*",
    "rule.manage": "Ad o*",
    "cohort.review": "R d",
    "house.view": "Ad h",
    "admin.open": "Ad o, Au o",
    "analytics.view": "R d, Ad o, Au o",
    "analytics.view_readers": "R own, Ad o",
}


def agreed(action: str) -> dict[str, str]:
    """Return {role: scope} of one action as it was agreed."""
    by_letter = {letter: scope for scope, letter in LETTER.items()}
    cells = (cell.split() for cell in CONTRACT[action].split(", ") if cell)
    return {SHORT[who]: by_letter[where.rstrip("*")] for who, where in cells}
