"""PURE: what an API key may be given, each an action of the Integrator's column of the roles."""

from __future__ import annotations

SCOPES = {  # action -> what it lets a machine do, in words
    "upload.create": "Send images",
    "study.view": "Read the studies it sent",
    "run.submit": "Start runs on them",
    "run.view": "Follow the state of its runs",
    "result.view": "Read the results of its runs",
    "export.read_signed": "Fetch signed reports",
    "patient.create": "Register patients",
    "patient.view": "Read the patients it registered",
}
