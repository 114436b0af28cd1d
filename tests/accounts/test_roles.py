"""The table of SECURITY §3: every declared row, and the functions that read it."""

from __future__ import annotations

import pytest

from accounts import roles
from accounts.roles import ADMINISTRATOR, AUDITOR, CLINICIAN, RADIOLOGIST, ROLES, TECHNICIAN
from tests.accounts.contract import CONTRACT, LETTER, SHORT


def as_written(action: str) -> str:
    by_role = {name: short for short, name in SHORT.items()}
    cells = roles.TABLE[action]
    return ", ".join(
        f"{by_role[role]} {LETTER[cells[role].scope]}{'*' if cells[role].step_up else ''}"
        for role in ROLES
        if role in cells
    )


@pytest.mark.parametrize(("action", "written"), CONTRACT.items())
def test_the_row_says_what_the_contract_says(action, written):
    assert as_written(action) == written


def test_the_contract_names_every_action():
    assert roles.TABLE.keys() == CONTRACT.keys()


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
