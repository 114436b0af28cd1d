"""PURE: what an API key may be given: actions of the Integrator's column that open an address.

`export.read_signed` opens none: no key is made with it, and a key that has it reaches no more.
"""

from __future__ import annotations

SCOPES = {  # action -> what it lets a machine do, in words
    "upload.create": "Send images",
    "study.view": "Read the studies it sent",
    "run.submit": "Start runs on them",
    "run.view": "Follow the state of its runs",
    "result.view": "Read the results of its runs",
    "patient.create": "Register patients",
    "patient.view": "Read the patients it registered",
}
