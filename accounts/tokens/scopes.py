"""PURE: what an API key may be given, each an action of the Integrator's column of the roles."""

from __future__ import annotations


def _(text: str) -> str:
    """Mark words for translation; they are translated where they are shown."""
    return text


SCOPES = {  # action -> what it lets a machine do, in words
    "upload.create": _("Send images"),
    "study.view": _("Read the studies it sent"),
    "run.submit": _("Start runs on them"),
    "run.view": _("Follow the state of its runs"),
    "result.view": _("Read the results of its runs"),
    "export.read_signed": _("Fetch signed reports"),
    "patient.create": _("Register patients"),
    "patient.view": _("Read the patients it registered"),
}

# what a MONAI Label client may: read and infer; nobody's name, no review, no export
LABEL_SCOPES = (
    "upload.create", "study.view", "pixels.view", "run.submit", "run.view", "result.view"
)  # fmt: skip
