"""PURE: one table of who may do what; pages, admin and templates all read it."""

from __future__ import annotations

from collections.abc import Iterable

RADIOLOGIST, CLINICIAN, TECHNICIAN = "radiologist", "clinician", "technician"
RESEARCHER, ADMINISTRATOR = "researcher", "administrator"
AUDITOR, INTEGRATOR = "auditor", "integrator"

ROLES = {
    RADIOLOGIST: "Radiologist",
    CLINICIAN: "Clinician",
    TECHNICIAN: "Technician",
    RESEARCHER: "Researcher",
    ADMINISTRATOR: "Administrator",
    AUDITOR: "Auditor",
    INTEGRATOR: "Integrator",
}

# action -> the roles that may; an action that is not here is nobody's
TABLE: dict[str, frozenset[str]] = {
    "upload.create": frozenset({RADIOLOGIST, CLINICIAN, TECHNICIAN}),
    "study.view": frozenset({RADIOLOGIST, CLINICIAN, TECHNICIAN}),
    "pixels.view": frozenset({RADIOLOGIST, CLINICIAN, TECHNICIAN}),
    "run.submit": frozenset({RADIOLOGIST, CLINICIAN, TECHNICIAN}),
    "run.view": frozenset({RADIOLOGIST, CLINICIAN, TECHNICIAN}),
    "result.view": frozenset({RADIOLOGIST, CLINICIAN}),
    "export.create": frozenset({RADIOLOGIST, CLINICIAN}),
    "ensemble.save": frozenset({RADIOLOGIST}),
    "model.view": frozenset(ROLES) - {INTEGRATOR},
}


def may(roles: Iterable[str], action: str) -> bool:
    """Say whether any of `roles` may do `action`. Raises KeyError for an undeclared action."""
    return not TABLE[action].isdisjoint(roles)


def roles_for(action: str) -> list[str]:
    """Return the roles that may do `action`. Raises KeyError for an undeclared action."""
    return sorted(TABLE[action])


def names_for(action: str) -> list[str]:
    """Return the role names that may do `action`, for the sentence of a refusal."""
    return [name for role, name in ROLES.items() if role in TABLE[action]]
