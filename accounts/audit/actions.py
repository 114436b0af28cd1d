"""PURE: every act that the trail knows, with its group, its words and its DICOM PS3.15 A.5 code."""

from __future__ import annotations

from dataclasses import dataclass

# DICOM PS3.16, CID 400 (event) and CID 401 (type), as event:type
LOGIN, LOGOUT = "110114:110122", "110114:110123"
ALERT, OVERRIDE, OVERRIDE_END = "110113", "110113:110127", "110113:110138"
RESTRICTED, ROLES, ATTRIBUTES = "110113:110132", "110113:110136", "110113:110137"
SECURITY, SOFTWARE = "110113:110128", "110100:110131"
START, STOP = "110100:110120", "110100:110121"
ACCESSED, TRANSFERRED, DELETED = "110103", "110104", "110105"
EXPORTED, IMPORTED, QUERY = "110106", "110107", "110112"
PATIENT, PROCEDURE, LOG_USED = "110110", "110111", "110101"


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of act: the group it is filtered by, its words, its code where one fits."""

    group: str
    words: str
    dicom: str = ""


OUTCOMES = ("ok", "refused", "failed")
GROUPS = {
    "signin": "Signing in",
    "credentials": "Passwords, factors, tokens",
    "people": "People and roles",
    "access": "Denials and emergency access",
    "records": "Records",
    "outputs": "Exports and links",
    "work": "Uploads and jobs",
    "models": "Models and settings",
    "vault": "Keys and backup",
    "trail": "The trail itself",
    "system": "System",
}


def _group(group: str, *rows: tuple[str, ...]) -> dict[str, Action]:
    return {name: Action(group, *words) for name, *words in rows}


def _kept(group: str, noun: str, words: str, dicom: str) -> dict[str, Action]:
    """The three acts on a row that is kept by a person."""
    verbs = (("create", "added"), ("change", "changed"), ("delete", "removed"))
    return {f"{noun}.{verb}": Action(group, f"{words} {done}", dicom) for verb, done in verbs}


ACTIONS: dict[str, Action] = {
    **_group(
        "signin",
        ("session.start", "Signed in", LOGIN),
        ("session.refuse", "Sign-in refused", LOGIN),
        ("session.throttle", "Sign-in slowed down", ALERT),
        ("session.end", "Signed out", LOGOUT),
        ("session.expire", "Session ran out", LOGOUT),
        ("session.revoke", "Session ended by its owner", LOGOUT),
        ("session.confirm", "Identity confirmed again", LOGIN),
        ("device.new", "Signed in from a new device", LOGIN),
        ("login.doubt", "A sign-in was disowned", ALERT),
        ("lock.lift", "Lock lifted", ATTRIBUTES),
    ),
    **_group(
        "credentials",
        ("password.change", "Password changed", ATTRIBUTES),
        ("email.change", "E-mail address changed", ATTRIBUTES),
        ("factor.add", "Second factor added", ATTRIBUTES),
        ("factor.remove", "Second factor removed", ATTRIBUTES),
        ("factor.refuse", "Code refused", LOGIN),
        ("factor.codes", "Recovery codes made", ATTRIBUTES),
        ("factor.code_used", "Recovery code used", LOGIN),
        ("token.issue", "API token issued", LOGIN),
        ("token.refresh", "API token refreshed", LOGIN),
        ("token.reuse", "Old API token used again", ALERT),
        ("token.revoke", "API token revoked", LOGOUT),
        ("api_key.create", "API key made", ATTRIBUTES),
        ("api_key.revoke", "API key revoked", ATTRIBUTES),
        ("api_key.refuse", "API key refused", LOGIN),
        ("api_key.use", "API key in use", LOGIN),
        ("label_token.create", "Address for 3D Slicer made", LOGIN),
        ("label_token.revoke", "Address for 3D Slicer revoked", LOGOUT),
        ("label_token.refuse", "Address for 3D Slicer refused", LOGIN),
        ("label_token.use", "Address for 3D Slicer in use", LOGIN),
        ("webhook.rotate", "Webhook given a new secret", ATTRIBUTES),
    ),
    **_kept("people", "user", "Person", ATTRIBUTES),
    **_kept("people", "organisation", "Organisation", SECURITY),
    **_kept("people", "department", "Department", SECURITY),
    **_kept("people", "membership", "Role", ROLES),
    **_group(
        "people",
        ("membership.offer", "Invited to join", ROLES),
        ("membership.withdraw", "Invitation withdrawn", ROLES),
    ),
    **_group(
        "people",
        ("assignment.create", "Assignment added", ROLES),
        ("assignment.delete", "Assignment removed", ROLES),
    ),
    **_group(
        "people",
        ("person.language", "Language chosen", ATTRIBUTES),
        ("person.preferences", "Preferences changed", ATTRIBUTES),
        ("reading.first", "Reading first turned on or off", SECURITY),
    ),
    **_kept("people", "plan", "Plan", SECURITY),
    **_kept("outputs", "webhook", "Webhook", SECURITY),
    **_group(
        "people",
        ("plan.ask", "Another plan asked for", SECURITY),
        ("plan.withdraw", "Request for another plan withdrawn", SECURITY),
        ("plan.grant", "Request for another plan granted", SECURITY),
        ("plan.decline", "Request for another plan declined", SECURITY),
    ),
    **_group(
        "access",
        ("access.refuse", "Refused: the role is missing", RESTRICTED),
        ("breakglass.start", "Emergency access opened", OVERRIDE),
        ("breakglass.end", "Emergency access ended", OVERRIDE_END),
        ("breakglass.review", "Emergency access reviewed", OVERRIDE),
        ("breakglass.escalate", "Emergency access not reviewed in time", OVERRIDE),
    ),
    **_group(
        "records",
        ("study.view", "Study opened", ACCESSED),
        ("study.move", "Study moved to another department", ACCESSED),
        ("study.correct", "Study corrected before it was analysed", ACCESSED),
        ("study.assign", "Study given to a reader", ACCESSED),
        ("impression.save", "Impression written before the result was sent", ACCESSED),
        ("image.view", "Image opened", ACCESSED),
        ("result.view", "Result opened", ACCESSED),
        ("patient.view", "Patient opened", PATIENT),
        ("run.view", "Run opened", ACCESSED),
        ("record.list", "Worklist opened", QUERY),
        ("record.list_api", "Records listed by a program", QUERY),
        ("record.search", "Records searched", QUERY),
        ("view.save", "View of the worklist kept", QUERY),
        ("view.forget", "View of the worklist forgotten", QUERY),
        ("image.create", "Image stored", IMPORTED),
        ("cohort.create", "Cohort made", SECURITY),
        ("cohort.close", "Cohort closed", SECURITY),
        ("cohort.clear", "Picture looked through for text: none", ACCESSED),
        ("cohort.refuse", "Picture looked through for text: left out", ACCESSED),
        ("cohort.list", "Cohorts listed", QUERY),
        ("cohort.view", "Cohort opened", QUERY),
        ("cohort.view_image", "Picture of a cohort opened", ACCESSED),
        ("cohort.view_result", "Result of a cohort opened", ACCESSED),
        ("study.ask_deletion", "Deletion of a study asked for", ACCESSED),
        ("study.withdraw_deletion", "Request to delete a study withdrawn", ACCESSED),
        ("study.decline_deletion", "Request to delete a study declined", ACCESSED),
        ("study.delete", "Study deleted", DELETED),
        ("study.restore", "Deleted study restored", ACCESSED),
        ("study.purge", "Deleted study removed for good", DELETED),
        ("patient.change", "Patient's identity corrected", PATIENT),
        ("patient.erase", "Patient erased", DELETED),
        ("patient.erase_ask", "Erasure of a patient asked for", PATIENT),
        ("patient.erase_withdraw", "Erasure of a patient withdrawn", PATIENT),
    ),
    **_group(
        "outputs",
        ("answer.repeat", "Answer to a program given again", SECURITY),
        ("webhook.test", "Webhook tried", SECURITY),
        ("webhook.resend", "Message of a webhook sent again", SECURITY),
        ("webhook.off", "Webhook switched off after failures", ALERT),
        ("export.create", "Export asked for", EXPORTED),
        ("export.succeed", "Export made", EXPORTED),
        ("export.fail", "Export failed", EXPORTED),
        ("export.download", "Export downloaded", EXPORTED),
        ("export.cancel", "Export cancelled", EXPORTED),
        ("export.delete", "Export's file deleted", EXPORTED),
        ("study.retrieve", "Original files retrieved by DICOMweb", EXPORTED),
        ("image.download", "Picture downloaded", EXPORTED),
        ("result.print", "Result printed", EXPORTED),
    ),
    **_group(
        "work",
        ("upload.create", "Upload received", IMPORTED),
        ("upload.view", "Receipt of an upload opened", ACCESSED),
        ("upload.refuse", "File refused", IMPORTED),
        ("label_session.create", "File of a MONAI Label session received", IMPORTED),
        ("label_session.delete", "File of a MONAI Label session deleted", DELETED),
        ("run.submit", "Run started", PROCEDURE),
        ("rule.refuse", "Not started by its rule", PROCEDURE),
        ("gate.override", "Refusal of the input check set aside", OVERRIDE),
        ("run.cancel", "Run cancelled", PROCEDURE),
        ("job.succeed", "Job succeeded", PROCEDURE),
        ("job.fail", "Job failed", PROCEDURE),
        ("job.requeue", "Job queued again", PROCEDURE),
        ("job.retry", "Job retried", PROCEDURE),
        ("review.save", "Decision saved", PROCEDURE),
        ("review.sign", "Decision signed", PROCEDURE),
        ("review.amend", "Signed decision amended", PROCEDURE),
    ),
    **_group(
        "models",
        ("model.upload", "Model sent", SOFTWARE),
        ("model.describe", "Model described", SOFTWARE),
        ("model.refuse", "Model refused", SOFTWARE),
        ("model.register", "Model registered", SOFTWARE),
        ("model.approve", "Model approved", SOFTWARE),
        ("model.draft", "Model held back", SOFTWARE),
        ("model.checked", "Model checked", SOFTWARE),
        ("model.active", "Model activated", SOFTWARE),
        ("model.retired", "Model retired", SOFTWARE),
        ("model.quarantined", "Model quarantined", ALERT),
        ("ensemble.propose", "Ensemble proposed", SOFTWARE),
        ("ensemble.approve", "Ensemble approved", SOFTWARE),
        ("ensemble.decline", "Ensemble declined", SOFTWARE),
        ("letterhead.save", "Letterhead of the reports drafted", SECURITY),
        ("letterhead.use", "Letterhead of the reports put into use", SECURITY),
    ),
    **_kept("models", "rule", "Rule for new images", SECURITY),
    **_group(
        "vault",
        ("key.rotate", "Keys rotated", SECURITY),
        ("key.retire", "Key retired", SECURITY),
        ("vault.damage", "Decryption failed", ALERT),
        ("backup.create", "Backup made", EXPORTED),
        ("backup.restore", "Restored from a backup", IMPORTED),
        ("ledger.replay", "Erasures replayed after a restore", DELETED),
    ),
    **_group(
        "trail",
        ("audit.view", "Trail read", LOG_USED),
        ("audit.verify", "Trail verified", LOG_USED),
        ("audit.export", "Trail exported", LOG_USED),
        ("audit.purge", "Old months of the trail purged", LOG_USED),
        ("audit.gap", "Trail damaged", ALERT),
    ),
    **_group(
        "system",
        ("system.start", "Started", START),
        ("system.stop", "Stopped", STOP),
        ("system.setup", "First administrator made in the browser", SECURITY),
        ("system.setup_refuse", "Code of the first administrator refused", ALERT),
        ("system.examine", "System looked over", SECURITY),
        ("clock.jump", "The machine's clock was set", ALERT),
        ("configuration.change", "Settings changed", SECURITY),
    ),
}  # fmt: skip


def action_named(name: str) -> Action:
    """Return the declared action. Raises ValueError for one that the trail does not know."""
    try:
        return ACTIONS[name]
    except KeyError:
        raise ValueError(f"{name!r} is not declared in accounts/audit/actions.py") from None
