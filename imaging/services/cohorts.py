"""Cohorts: made by a filter and frozen, looked through for text, closed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Membership, Organisation, User
from accounts.roles import RADIOLOGIST, roles_for
from accounts.services.notices import notice_send, notice_send_to_role
from imaging.formats.burned_in import hold_of
from imaging.measures.small_cells import LEAST
from imaging.models import Cohort, CohortImage, CohortReader, Image
from imaging.models.cohorts import Hold, HoldState
from imaging.services.refusals import NotPossible

LEAST_PATIENTS = LEAST  # of fewer, a list is about persons (SECURITY S24)
MOST_IMAGES = 2_000
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class CohortChoice:
    """Which images: "" and None do not narrow. Days are those on which a study came in."""

    modality: str = ""
    body_part: str = ""
    since: date | None = None
    until: date | None = None
    department: UUID | None = None

    def as_json(self) -> dict:
        told = {name: getattr(self, name) for name in self.__slots__}
        return {name: str(value) for name, value in told.items() if value}


@transaction.atomic
def cohort_make(
    *,
    user: User,
    organisation: Organisation,
    name: str,
    purpose: str,
    until: date,
    readers: Sequence[User],
    choice: CohortChoice,
) -> Cohort:
    """Freeze what fits `choice` now as a cohort for `readers`, researchers there, until a day.

    A picture that may carry text waits for a radiologist. Raises: NotPossible, in words, also
    for fewer than five patients: their pseudonyms would hide nobody.
    """
    _asked_check(organisation, name, purpose, until, readers)
    images = _chosen(organisation, choice)
    if len({image.patient_id for image in images}) < LEAST_PATIENTS:
        raise NotPossible(
            _("Fewer than %(n)d patients fit: a cohort of so few hides nobody. Choose wider.")
            % {"n": LEAST_PATIENTS}
        )
    cohort = Cohort(
        organisation=organisation, name=name.strip(), purpose=purpose.strip(), until=until,
        made_by=user, choice=choice.as_json(),
    )  # fmt: skip
    try:
        with transaction.atomic():
            cohort.save(force_insert=True)
    except IntegrityError:
        raise NotPossible(_("There is a cohort of this name already.")) from None
    CohortReader.objects.bulk_create(CohortReader(cohort=cohort, user=one) for one in readers)
    rows = _rows(cohort, images)
    CohortImage.objects.bulk_create(rows, batch_size=500)
    facts = {"choice": cohort.choice, "readers": sorted(str(one.pk) for one in readers)}
    audit.record(user, "cohort.create", cohort, after=facts | {"images": len(images)})
    _tell(cohort, readers, held=sum(bool(row.hold) for row in rows))
    return cohort


@transaction.atomic
def cohort_close(*, user: User, cohort: Cohort) -> None:
    """End a cohort now, for all its readers. Twice: nothing."""
    if Cohort.objects.filter(pk=cohort.pk, closed_at=None).update(closed_at=now()):
        audit.record(user, "cohort.close", cohort)


@transaction.atomic
def cohort_image_decide(*, user: User, one: CohortImage, is_clear: bool) -> None:
    """Let a held-back picture in, or leave it out for good, after a look. Raises: NotPossible."""
    state = HoldState.CLEARED if is_clear else HoldState.REFUSED
    held = CohortImage.objects.filter(pk=one.pk, state=HoldState.HELD)
    if not held.update(state=state, decided_by=user, decided_at=now()):
        raise NotPossible(_("Somebody decided on this picture already."))
    audit.record(user, "cohort.clear" if is_clear else "cohort.refuse", one)


def researchers_at(organisation: Organisation):
    """Return who may be given a cohort there: the researchers of now."""
    roles = roles_for("pixels.view_deidentified")
    members = Membership.objects.current().filter(organisation=organisation, role__in=roles)
    return User.objects.filter(pk__in=members.values("user"), is_active=True)


def _tell(cohort: Cohort, readers: Sequence[User], *, held: int) -> None:
    for one in readers:
        told = {"cohort": cohort.name, "until": cohort.until.isoformat()}
        notice_send(to=one, kind="cohort_given", facts=told)
    if held:
        facts = {"count": held}
        notice_send_to_role(
            role=RADIOLOGIST, kind="cohort_waits", organisation=cohort.organisation, facts=facts
        )


def _asked_check(organisation, name: str, purpose: str, until: date, readers) -> None:
    if not name.strip() or not purpose.strip():
        raise NotPossible(_("Give the cohort a name, and write down what it is for."))
    if until < localdate():
        raise NotPossible(_("The last day lies in the past."))
    known = researchers_at(organisation).filter(pk__in=[one.pk for one in readers]).count()
    if not readers or known < len(set(readers)):
        raise NotPossible(_("Choose at least one researcher of this organisation."))


def _chosen(organisation: Organisation, choice: CohortChoice) -> list[Image]:
    kept = Image.objects.filter(organisation=organisation, study__deleted_at=None)
    images = kept.select_related("source", "study")
    narrow = {
        "modality": choice.modality,
        "study__department": choice.department,
        "study__created_at__date__gte": choice.since,
        "study__created_at__date__lte": choice.until,
    }
    images = images.filter(**{name: value for name, value in narrow.items() if value})
    wanted = choice.body_part.strip().casefold()
    rows = images.order_by("study__created_at", "study", "created_at", "pk")
    found = []
    for image in rows.iterator(chunk_size=AT_ONCE):
        if wanted and _header(image).get("body_part", "").strip().casefold() != wanted:
            continue
        found.append(image)
        if len(found) > MOST_IMAGES:
            said = _("More than %(n)d images fit. Choose narrower, or make several cohorts.")
            raise NotPossible(said % {"n": MOST_IMAGES})
    return found


def _rows(cohort: Cohort, images: Sequence[Image]) -> list[CohortImage]:
    """Return the rows in the order of the pseudonyms, which tells nothing of who came when."""
    rows, names = [], ("patient", "study")
    ordered = sorted(
        images,
        key=lambda one: [cohort.pseudonym(name, getattr(one, f"{name}_id")) for name in names],
    )
    for position, image in enumerate(ordered, start=1):
        hold = hold_of(
            image.source.format,
            modality=image.dicom_modality,
            sop_class_uid=_header(image).get("sop_class_uid", ""),
            warnings=image.warnings,
            raster=bool(image.facts.get("raster")),
        )
        state = HoldState.HELD if hold else HoldState.FREE
        rows.append(
            CohortImage(
                cohort=cohort,
                image=image,
                position=position,
                year=_year(image),
                hold=Hold(hold),
                state=state,
            )
        )
    return rows


def _year(image: Image) -> str:
    """The year of the study, never the day; "" where its file says none."""
    year = image.study.studied_at[:4]
    return year if year.isascii() and year.isdigit() else ""


def _header(image: Image) -> dict:
    return json.loads(image.header or "{}")
