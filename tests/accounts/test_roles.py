"""The table of SECURITY §3: every declared row, and the functions that read it."""

from __future__ import annotations

import pytest

from accounts import roles
from accounts.roles import ADMINISTRATOR, AUDITOR, CLINICIAN, RADIOLOGIST, ROLES, TECHNICIAN

SHORT = {"R": "radiologist", "C": "clinician", "T": "technician", "Re": "researcher",
         "Ad": "administrator", "Au": "auditor", "I": "integrator"}  # fmt: skip
SECURITY_3 = {  # action: who, in the words of the contract; * is step-up
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
    "review.sign": "R d*",
    "export.create": "R d, C a",
    "export.read_signed": "I own",
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
    "plan.change": "",
    "key.view_state": "Au o",
    "glass.break": "R o*, C o*, Ad o*",
    "glass.review": "Au o",
}
LETTER = {"own": "own", "assigned": "a", "department": "d", "organisation": "o", "cohort": "c",
          "house": "h"}  # fmt: skip


def as_written(action: str) -> str:
    by_role = {name: short for short, name in SHORT.items()}
    cells = roles.TABLE[action]
    return ", ".join(
        f"{by_role[role]} {LETTER[cells[role].scope]}{'*' if cells[role].step_up else ''}"
        for role in ROLES
        if role in cells
    )


@pytest.mark.parametrize(("action", "written"), SECURITY_3.items())
def test_the_row_says_what_the_contract_says(action, written):
    assert as_written(action) == written


def test_a_technician_sees_pixels_for_a_day():
    assert roles.scope_of(TECHNICIAN, "pixels.view").hours == 24
    assert roles.scope_of(RADIOLOGIST, "pixels.view").hours is None


def test_an_action_that_is_not_in_the_table_is_an_error():
    for read in (roles.roles_for, roles.names_for, roles.needs_step_up):
        with pytest.raises(KeyError):
            read("moon.fly")
    with pytest.raises(KeyError):
        roles.may({RADIOLOGIST}, "moon.fly")


def test_one_of_several_roles_is_enough():
    assert roles.may({AUDITOR, RADIOLOGIST}, "upload.create")
    assert not roles.may({AUDITOR}, "upload.create")
    assert not roles.may(set(), "audit.view_own")
    assert not roles.may(ROLES, "plan.change")


def test_a_fresh_proof_is_asked_unless_a_role_may_without():
    assert roles.needs_step_up("glass.break")
    assert not roles.needs_step_up("upload.create")
    assert roles.needs_step_up("patient.view", {ADMINISTRATOR})
    assert not roles.needs_step_up("patient.view", {ADMINISTRATOR, CLINICIAN})


def test_every_cell_names_a_role_and_a_scope_that_exist():
    for action, cells in roles.TABLE.items():
        assert cells.keys() <= ROLES.keys(), action
        assert {cell.scope for cell in cells.values()} <= LETTER.keys(), action
