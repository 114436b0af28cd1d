"""PURE: every notice that the house sends, in words that name no patient."""

from __future__ import annotations

from dataclasses import dataclass


def _(text: str) -> str:
    """Mark a sentence for translation; it is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Kind:
    """What a notice says: a title, a sentence with {facts}, what to do, and the page that helps."""

    title: str
    words: str
    remedy: str
    page: str = "trail:activity"
    facts: tuple[str, ...] = ()
    is_grave: bool = True
    by_mail: bool = True  # beside the app
    wish: str = ""  # else: the field of the person that asks for the mail


_NOT_YOU = _("If this was not you, change your password and end your other sessions.")

KINDS: dict[str, Kind] = {
    # to the owner of the account
    "account_locked": Kind(
        _("Your account was slowed down"),
        _("Somebody entered a wrong password for your account several times. It opens by itself."),
        _("If this was not you, nothing is lost: choose a password that nobody can guess."),
    ),
    "new_device": Kind(
        _("A sign-in from a new device"),
        _("Your account was opened on a device that is new to it: {device}. Address: {ip}."),
        _NOT_YOU,
        facts=("device", "ip"),
    ),
    "success_after_failures": Kind(
        _("A sign-in after several wrong passwords"),
        _("Your account was opened after {count} failed attempts. Address: {ip}."),
        _NOT_YOU,
        facts=("count", "ip"),
    ),
    "factor_added": Kind(
        _("A second factor was added"),
        _("A second factor was added to your account: {factor}."),
        _NOT_YOU,
        facts=("factor",),
    ),
    "factor_removed": Kind(
        _("A second factor was removed"),
        _("A second factor was removed from your account: {factor}."),
        _NOT_YOU,
        facts=("factor",),
    ),
    "credential_changed": Kind(
        _("Your sign-in data were changed"),
        _("The {what} of your account was changed."),
        _NOT_YOU,
        facts=("what",),
    ),
    "recovery_code_used": Kind(
        _("A recovery code was used"),
        _("Your account was opened with a recovery code; {left} are left."),
        _("Make new codes when few are left. If this was not you, change your password now."),
        facts=("left",),
    ),
    "token_reuse": Kind(
        _("An old API token was used again"),
        _("A refresh token that was replaced came back; its whole family is closed."),
        _("Sign the program in again. If you cannot explain it, change your password."),
    ),
    "session_ended": Kind(
        _("Your sessions were ended"),
        _("All sessions of your account were ended."),
        _("Sign in again."),
        is_grave=False,
    ),
    "role_changed": Kind(
        _("Your role was changed"),
        _("An administrator changed what you may do in {organisation}."),
        _("Ask an administrator of your organisation if you did not expect this."),
        facts=("organisation",),
        is_grave=False,
    ),
    "run_finished": Kind(
        _("A run has finished"),
        _("Your run has finished: {succeeded} succeeded, {failed} failed."),
        _("Open the runs page to see the results."),
        page="imaging:run-list",
        facts=("succeeded", "failed"),
        is_grave=False,
        by_mail=False,
        wish="mails_runs",
    ),
    "cohort_run_finished": Kind(
        _("A run has finished"),
        _("Your run has finished: {succeeded} succeeded, {failed} failed."),
        _("Open your cohort to see the results."),
        page="imaging:cohort-list",
        facts=("succeeded", "failed"),
        is_grave=False,
        by_mail=False,
        wish="mails_runs",
    ),
    "cohort_export_finished": Kind(
        _("Your file is ready"),
        _("The file {id} of a cohort is made, without identity."),
        _("Open the files of your cohort to download it. It is kept for seven days."),
        page="imaging:cohort-list",
        facts=("id",),
        is_grave=False,
        by_mail=False,
    ),
    "cohort_export_failed": Kind(
        _("A file could not be made"),
        _("The file {id} of a cohort could not be made."),
        _("Ask for it again, or ask an administrator."),
        page="imaging:cohort-list",
        facts=("id",),
        is_grave=False,
        by_mail=False,
    ),
    "cohort_waits": Kind(
        _("Pictures wait for a look"),
        _("{count} pictures of a new cohort may carry text: they wait until somebody has looked."),
        _("Look through those of your department; what carries a name is left out."),
        page="imaging:cohort-review",
        facts=("count",),
        is_grave=False,
        by_mail=False,
    ),
    "cohort_given": Kind(
        _("A cohort was given to you"),
        _("You may work with the pictures of {cohort} until {until}. They name nobody."),
        _("Do not try to find out whose they are."),
        page="imaging:cohort-list",
        facts=("cohort", "until"),
        is_grave=False,
        by_mail=False,
    ),
    "export_finished": Kind(
        _("Your file is ready"),
        _("The file {id} is made: {count} results are in it, {left_out} were left out."),
        _("Open the exports page to download it. It is kept for seven days."),
        page="reports:export-list",
        facts=("id", "count", "left_out"),
        is_grave=False,
        by_mail=False,
    ),
    "export_failed": Kind(
        _("A file could not be made"),
        _("The file {id} could not be made. The exports page says why."),
        _("Ask for it again, or for fewer results at once."),
        page="reports:export-list",
        facts=("id",),
        is_grave=False,
        by_mail=False,
    ),
    "ensemble_approved": Kind(
        _("Your ensemble was approved"),
        _("The ensemble {ensemble} that you proposed serves from now on."),
        _("Choose it on the run form. Earlier runs keep the version that they used."),
        page="imaging:model-list",
        facts=("ensemble",),
        is_grave=False,
        by_mail=False,
    ),
    "ensemble_declined": Kind(
        _("Your ensemble was declined"),
        _("The ensemble {ensemble} that you proposed does not serve; the reason stands with it."),
        _("Read the reason on the models page, change the choice and propose it again."),
        page="imaging:model-list",
        facts=("ensemble",),
        is_grave=False,
        by_mail=False,
    ),
    "study_deleted": Kind(
        _("A study was deleted"),
        _("The study {id} was deleted, as you asked. It can be restored for {days} days."),
        _("If it was a mistake, ask an administrator to restore it in that time."),
        page="analytics:dashboard",
        facts=("id", "days"),
        is_grave=False,
        by_mail=False,
    ),
    "deletion_declined": Kind(
        _("A deletion was declined"),
        _("The study {id} stays: an administrator declined its deletion."),
        _("The study's page says why."),
        page="imaging:study-list",
        facts=("id",),
        is_grave=False,
        by_mail=False,
    ),
    "study_restored": Kind(
        _("A study was restored"),
        _("The study {id} is back, as it was before it was deleted."),
        _("Ask again if it should go all the same."),
        page="imaging:study-list",
        facts=("id",),
        is_grave=False,
        by_mail=False,
    ),
    "plan_granted": Kind(
        _("Your organisation has another plan"),
        _("The plan {plan} that you asked for is in force for {organisation}."),
        _("Its limits hold from now on."),
        page="analytics:plans",
        facts=("plan", "organisation"),
        is_grave=False,
        by_mail=False,
    ),
    "plan_declined": Kind(
        _("Your request for another plan was declined"),
        _("The plan of {organisation} stays; {plan} was not granted."),
        _("The page of the plans says why."),
        page="analytics:plans",
        facts=("plan", "organisation"),
        is_grave=False,
        by_mail=False,
    ),
    # to operators
    "plan_asked": Kind(
        _("Another plan is asked for"),
        _("{organisation} asks for the plan {plan}."),
        _("Grant or decline it in the admin: until then the plan stays as it is."),
        page="admin:accounts_planrequest_changelist",
        facts=("organisation", "plan"),
        is_grave=False,
        by_mail=False,
    ),
    # to auditors
    "break_glass": Kind(
        _("Emergency access was opened"),
        _("Emergency access to one patient was opened. The reason stands in the audit trail."),
        _("Review it within 72 hours."),
        page="trail:list",
    ),
    "break_glass_escalated": Kind(
        _("Emergency access was not reviewed"),
        _("An emergency access was opened more than 72 hours ago and nobody has reviewed it."),
        _("Review it now."),
        page="trail:list",
    ),
    "audit_gap": Kind(
        _("The audit trail is damaged"),
        _("Verification failed at entry {seq}: {damage}."),
        _("Keep the database and the checkpoint file as they are, and call your security officer."),
        page="trail:list",
        facts=("seq", "damage"),
    ),
    "failed_decryption": Kind(
        _("Something could not be decrypted"),
        _("An encrypted {what} did not open: it was changed, moved or cut."),
        _("Compare it with the backup, and look in the audit trail for what happened before."),
        page="trail:list",
        facts=("what",),
    ),
    "role_raised": Kind(
        _("A role was raised"),
        _("A person was given the role {role}."),
        _("Look in the audit trail whether it was meant to be."),
        page="trail:list",
        facts=("role",),
    ),
    # to administrators
    "dead_job": Kind(
        _("A job was given up"),
        _("A job was given up after its worker died three times."),
        _("Look at the run, and at the memory of the machine that runs the worker."),
        page="imaging:run-list",
    ),
    "ensemble_proposed": Kind(
        _("An ensemble waits for approval"),
        _("A radiologist proposed the ensemble {ensemble}. Nothing changes until you decide."),
        _("Compare it with what serves now, and approve or decline it."),
        page="imaging:ensemble-list",
        facts=("ensemble",),
        is_grave=False,
        by_mail=False,
    ),
    "webhook_off": Kind(
        _("A webhook was switched off"),
        _("The webhook {id} was switched off: nothing of it arrived since {since}."),
        _("Mend the receiver, try it with a test, switch it on and send again what it missed."),
        page="accounts:webhook-list",
        facts=("id", "since"),
    ),
    "late_backup": Kind(
        _("The last backup is too old"),
        _("There was no backup for {hours} hours."),
        _("Ask whoever operates the server to look at its backups: manage.py backup make."),
        page="trail:activity",
        facts=("hours",),
    ),
    "deletion_asked": Kind(
        _("A deletion waits for a decision"),
        _("The deletion of the study {id} was asked for."),
        _("Approve or decline it: until then the study stays as it is."),
        page="imaging:deletion-list",
        facts=("id",),
        is_grave=False,
        by_mail=False,
    ),
    "model_quarantined": Kind(
        _("A model was quarantined"),
        _("The model {model} was taken out of service: its files are not those registered."),
        _("Restore the files, or give what is new a new version. The other models serve on."),
        page="imaging:model-list",
        facts=("model",),
    ),
}


def kind_named(name: str) -> Kind:
    """Return the declared kind. Raises ValueError for one that is not in KINDS."""
    try:
        return KINDS[name]
    except KeyError:
        raise ValueError(f"{name!r} is not declared in accounts/notices.py") from None
