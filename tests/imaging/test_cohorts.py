"""A cohort: made by a filter, looked through for text, seen by its researchers without identity."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localdate, now

from accounts.models import AuditEvent, Notice
from accounts.roles import ADMINISTRATOR, RADIOLOGIST, RESEARCHER
from imaging.formats.burned_in import hold_of
from imaging.measures.small_cells import count_told
from imaging.models import Cohort, CohortImage, Run, Study
from imaging.selectors import results_visible_to, runs_visible_to
from imaging.selectors_cohorts import cohort_images_open_to, cohorts_open_to
from imaging.services.cohort_runs import cohort_run_submit
from imaging.services.cohorts import (
    CohortChoice,
    cohort_close,
    cohort_image_decide,
    cohort_make,
)
from imaging.services.refusals import NotPossible
from imaging.services.runs import run_cancel
from imaging.types import BURNED_IN
from tests.accounts.factories import (
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    verify,
)
from tests.imaging.factories import (
    CohortFactory,
    EnsembleFactory,
    ImageFactory,
    JobFactory,
    ModelVersionFactory,
    ResultFactory,
    RunFactory,
    SourceFileFactory,
    ramp,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory()


def member(house, role, **more):
    return MembershipFactory(organisation=house, role=role, **more).user


@pytest.fixture
def researcher(house):
    return member(house, RESEARCHER)


@pytest.fixture
def administrator(house):
    return member(house, ADMINISTRATOR)


def dicom(house, **more):
    """A volume or radiograph of a DICOM file that gives no reason to hold it back."""
    image = ImageFactory(
        study__organisation=house,
        source=SourceFileFactory(organisation=house, format="dicom"),
        dicom_modality=more.pop("dicom_modality", "CR"),
        **more,
    )
    image.facts["raster"] = False
    image.header = json.dumps({"body_part": "CHEST", "sop_class_uid": ""})
    image.save()
    return image


def make(administrator, house, researcher, **more) -> Cohort:
    asked = {
        "name": "Chest", "purpose": "To compare two models", "readers": [researcher],
        "until": localdate() + timedelta(days=30), "choice": CohortChoice(),
    }  # fmt: skip
    return cohort_make(user=administrator, organisation=house, **asked | more)


# --- what may carry text


@pytest.mark.parametrize(
    ("facts", "hold"),
    [
        ({}, ""),
        ({"warnings": [BURNED_IN]}, "burned-in"),
        ({"kind": "png"}, "picture"),
        ({"raster": True}, "picture"),
        ({"modality": "US"}, "capture"),
        ({"modality": "ot"}, "capture"),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7"}, "capture"),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7.2"}, "capture"),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.77.1"}, ""),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.6.1"}, "capture"),
        ({"kind": "nifti", "modality": ""}, ""),
    ],
)
def test_what_the_file_says_decides_whether_a_person_looks_first(facts, hold):
    plain = {"kind": "dicom", "modality": "CT", "sop_class_uid": "", "warnings": [],
             "raster": False}  # fmt: skip
    given = plain | facts
    assert hold_of(given.pop("kind"), **given) == hold


@pytest.mark.parametrize(("n", "told"), [(0, "0"), (1, "<5"), (4, "<5"), (5, "5"), (6, "6")])
def test_a_count_from_one_to_four_is_not_told(n, told):
    assert count_told(n) == told


# --- making


def test_a_cohort_is_what_fits_now_and_tells_whom_it_concerns(administrator, house, researcher):
    images = [dicom(house) for _ in range(5)]
    held = ImageFactory(study__organisation=house)
    radiologist = member(house, RADIOLOGIST)
    ImageFactory()  # another house's
    cohort = make(administrator, house, researcher)
    rows = {row.image_id: (row.state, row.hold) for row in cohort.images.all()}
    assert rows == {image.pk: ("free", "") for image in images} | {held.pk: ("held", "picture")}
    dicom(house)  # what comes later is not in it
    assert cohort.images.count() == 6
    assert Notice.objects.get(to=researcher).kind == "cohort_given"
    assert Notice.objects.get(to=radiologist).facts == {"count": "1"}
    assert AuditEvent.objects.get(action="cohort.create").target == f"cohort:{cohort.pk}"


def test_the_filter_narrows_by_kind_place_part_and_day(administrator, house, researcher):
    room = DepartmentFactory(organisation=house)
    wanted = [dicom(house, study__department=room, modality="ct") for _ in range(5)]
    dicom(house, study__department=room)
    dicom(house, modality="ct")
    old = dicom(house, study__department=room, modality="ct")
    Study.objects.filter(pk=old.study_id).update(created_at=now() - timedelta(days=40))
    other = dicom(house, study__department=room, modality="ct")
    other.header = json.dumps({"body_part": "HEAD"})
    other.save()
    choice = CohortChoice(
        modality="ct", body_part="chest", department=room.pk,
        since=localdate() - timedelta(days=2), until=localdate() + timedelta(days=1),
    )  # fmt: skip
    cohort = make(administrator, house, researcher, choice=choice)
    assert set(cohort.images.values_list("image", flat=True)) == {one.pk for one in wanted}
    assert cohort.choice["body_part"] == "chest"


def test_what_a_cohort_must_be_is_said_in_words(administrator, house, researcher):
    images = [dicom(house) for _ in range(4)]
    dicom(house, study=images[0].study)  # a second picture of one of them
    with pytest.raises(NotPossible, match="Fewer than 5 patients"):
        make(administrator, house, researcher)
    dicom(house)
    for wrong, words in (
        ({"purpose": " "}, "what it is for"),
        ({"until": localdate() - timedelta(days=1)}, "past"),
        ({"readers": []}, "at least one researcher"),
        ({"readers": [member(house, RADIOLOGIST)]}, "at least one researcher"),
        ({"readers": [member(OrganisationFactory(), RESEARCHER)]}, "at least one researcher"),
    ):
        with pytest.raises(NotPossible, match=words):
            make(administrator, house, researcher, **wrong)
    make(administrator, house, researcher)
    with pytest.raises(NotPossible, match="of this name already"):
        make(administrator, house, researcher)


def test_a_pseudonym_is_the_same_within_a_cohort_and_another_in_the_next(house):
    image = dicom(house)
    first, second = (CohortFactory(organisation=house, images=[image]) for _ in range(2))
    a, b = first.images.get(), second.images.get()
    assert a.study_name == first.pseudonym("study", image.study_id)
    assert len({a.study_name, a.patient_name, b.study_name, b.patient_name}) == 4
    assert str(image.study_id)[:8].upper() not in a.study_name


def test_the_order_tells_nothing_of_who_came_when(administrator, house, researcher):
    [dicom(house) for _ in range(8)]
    rows = list(make(administrator, house, researcher).images.order_by("position"))
    names = [(row.patient_name, row.study_name) for row in rows]
    assert names == sorted(names)


def test_the_rows_hold_what_the_states_mean(house):
    cohort, image = CohortFactory(organisation=house), dicom(house)
    wrong = [
        {"state": "free", "hold": "picture"},
        {"state": "held", "hold": ""},
        {"state": "cleared", "hold": "picture"},
    ]
    for fields in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            CohortImage.objects.create(cohort=cohort, image=image, position=1, **fields)


# --- the door


def test_it_is_open_to_its_researchers_until_its_last_day(house, researcher):
    cohort = CohortFactory(organisation=house, readers=[researcher], until=localdate())
    assert list(cohorts_open_to(researcher)) == [cohort]
    assert not cohorts_open_to(member(house, RESEARCHER)).exists()
    Cohort.objects.update(until=localdate() - timedelta(days=1))
    assert not cohorts_open_to(researcher).exists()


def test_it_closes_with_the_role_and_by_an_administrator(house, researcher, administrator):
    cohort = CohortFactory(organisation=house, readers=[researcher])
    cohort_close(user=administrator, cohort=cohort)
    cohort_close(user=administrator, cohort=cohort)
    assert not cohorts_open_to(researcher).exists()
    assert AuditEvent.objects.filter(action="cohort.close").count() == 1
    other = CohortFactory(organisation=house, readers=[researcher])
    researcher.memberships.update(until=now())
    fresh = type(researcher).objects.get(pk=researcher.pk)
    assert other not in cohorts_open_to(fresh)


def test_what_is_held_back_joins_after_a_look_and_what_carries_text_stays_out(house, researcher):
    held = [ImageFactory(study__organisation=house) for _ in range(2)]
    cohort = CohortFactory(organisation=house, readers=[researcher], held=held)
    assert not cohort_images_open_to(researcher).exists()
    radiologist = member(house, RADIOLOGIST)
    first, second = cohort.images.order_by("position")
    cohort_image_decide(user=radiologist, one=first, is_clear=True)
    cohort_image_decide(user=radiologist, one=second, is_clear=False)
    assert list(cohort_images_open_to(researcher)) == [first]
    with pytest.raises(NotPossible, match="already"):
        cohort_image_decide(user=radiologist, one=second, is_clear=True)
    assert AuditEvent.objects.filter(action__in=("cohort.clear", "cohort.refuse")).count() == 2


def test_a_study_that_goes_is_gone_from_the_cohort(client, house, researcher):
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[dicom(house)])
    one = cohort.images.get()
    verify(client, researcher)
    address = reverse("imaging:cohort-image", args=[one.pk])
    assert client.get(address).status_code == 200
    one.image.delete()
    assert client.get(address).status_code == 404


# --- runs


def test_a_run_of_a_cohort_stands_in_no_clinical_list(house, researcher, queued):
    radiologist, image = member(house, RADIOLOGIST), dicom(house)
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[image])
    ensemble = EnsembleFactory()
    before = Study.objects.values().get(pk=image.study_id)
    run = cohort_run_submit(user=researcher, cohort=cohort, ensemble_id=str(ensemble.pk))
    assert (run.cohort, run.ensemble, run.jobs.get().image) == (cohort, ensemble, image)
    assert not runs_visible_to(radiologist).exists()
    ResultFactory(job=JobFactory(run=run, image=dicom(house), succeeded=True))
    assert not results_visible_to(radiologist).exists()
    assert Study.objects.values().get(pk=image.study_id) == before


def test_only_an_approved_ensemble_and_only_pictures_of_ones_cohort(house, researcher, queued):
    mine, other = dicom(house), dicom(house)
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[mine])
    elsewhere = CohortFactory(organisation=house, images=[other])
    waits = EnsembleFactory(organisation=house, state="proposed")
    for ensemble in (str(waits.pk), "", "nonsense"):
        with pytest.raises(NotPossible, match="approved ensemble"):
            cohort_run_submit(user=researcher, cohort=cohort, ensemble_id=ensemble)
    approved = str(EnsembleFactory().pk)
    with pytest.raises(NotPossible, match="None of these pictures"):
        cohort_run_submit(
            user=researcher, cohort=cohort, ensemble_id=approved,
            chosen=[elsewhere.images.get().pk],
        )  # fmt: skip
    assert not Run.objects.exists()


# --- pages


@pytest.fixture
def shown(client, house, researcher):
    """A cohort with a picture that has a clinical result, and who reads it."""
    result = ResultFactory(job=JobFactory(image=dicom(house), succeeded=True))
    result.job.run.frozen["name"] = "lungs"
    result.job.run.save()
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[result.image])
    verify(client, researcher)
    return cohort.images.get(), result


def test_the_pages_show_pictures_and_results_and_say_so_in_the_trail(client, shown):
    one, result = shown
    page = client.get(reverse("imaging:cohort-list")).content.decode()
    assert one.cohort.name in page
    page = client.get(reverse("imaging:cohort-detail", args=[one.cohort_id])).content.decode()
    assert one.study_name in page
    assert "2004" not in page  # one patient would be known by it
    assert "&lt;5" in page
    page = client.get(reverse("imaging:cohort-image", args=[one.pk])).content.decode()
    assert "26.04" in page
    assert "2004" not in page
    picture = client.get(reverse("imaging:cohort-picture", args=[one.pk]))
    assert picture.content.startswith(b"\x89PNG")
    for name in ("mask", "outline", "heat", "original"):
        layer = client.get(reverse("imaging:cohort-layer", args=[one.pk, result.pk, name]))
        assert layer.content.startswith(b"\x89PNG")
    written = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"cohort.view", "cohort.view_image", "cohort.view_result"} <= written


def test_a_year_is_told_where_five_patients_share_it(client, house, researcher):
    images = [dicom(house) for _ in range(6)]
    cohort = CohortFactory(organisation=house, readers=[researcher], images=images)
    cohort.images.filter(image=images[5]).update(year=1987)
    verify(client, researcher)
    answer = client.get(reverse("imaging:cohort-detail", args=[cohort.pk]))
    assert answer.context["figures"] == [("X-ray", "—", "<5"), ("X-ray", "2004", "5")]
    assert "1987" not in answer.content.decode()
    cohort.images.filter(image=images[0]).delete()
    answer = client.get(reverse("imaging:cohort-detail", args=[cohort.pk]))
    assert answer.context["figures"] == [("X-ray", "—", "5")]  # four of 2004 and one more


def test_the_page_offers_what_fits_and_shows_the_newest_answer_of_each(
    client, house, shown, queued
):
    one, _earlier = shown
    EnsembleFactory(modalities=["mri"], name="elsewhere")
    chest = EnsembleFactory(modalities=["xray"], name="chest")
    again = ResultFactory(job=JobFactory(image=one.image, succeeded=True))
    again.job.run.frozen["name"] = "lungs"
    again.job.run.save()
    answer = client.get(reverse("imaging:cohort-detail", args=[one.cohort_id]))
    assert answer.context["ensembles"] == [chest]
    assert answer.context["results"] == {one.image_id: [again]}


def test_a_slice_is_asked_for_by_number_and_nonsense_is_the_middle(client, house, researcher):
    image = dicom(house, array=ramp((5, 24, 32)))
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[image])
    verify(client, researcher)
    address = reverse("imaging:cohort-picture", args=[cohort.images.get().pk])
    answers = [client.get(address, {"slice": asked}).content for asked in ("1", "3", "", "9", "x")]
    assert answers[0] != answers[1]
    assert answers[1] == answers[2] == answers[3] == answers[4]


def test_anothers_cohort_and_anothers_result_are_unknown(client, house, shown):
    one, _result = shown
    foreign = ResultFactory()
    theirs = CohortFactory(organisation=house, images=[dicom(house)])
    for name, args in (
        ("cohort-detail", [theirs.pk]),
        ("cohort-image", [theirs.images.get().pk]),
        ("cohort-picture", [theirs.images.get().pk]),
        ("cohort-layer", [one.pk, foreign.pk, "mask"]),
    ):
        assert client.get(reverse(f"imaging:{name}", args=args)).status_code == 404
    assert (
        client.get(
            reverse("imaging:cohort-layer", args=[one.pk, _result.pk, "nonsense"])
        ).status_code
        == 404
    )


def test_a_result_of_another_cohorts_run_stays_there(client, house, shown):
    one, _result = shown
    run = RunFactory(
        organisation=house, requested_by=one.cohort.made_by,
        cohort=CohortFactory(organisation=house),
    )  # fmt: skip
    theirs = ResultFactory(job=JobFactory(run=run, image=one.image, succeeded=True))
    layer = reverse("imaging:cohort-layer", args=[one.pk, theirs.pk, "mask"])
    assert client.get(layer).status_code == 404


def test_a_researcher_runs_from_the_page(client, house, shown, queued):
    one, _result = shown
    model = ModelVersionFactory()
    ensemble = EnsembleFactory()
    ensemble.members.update(model_version=model)
    address = reverse("imaging:cohort-run", args=[one.cohort_id])
    answer = client.post(address, {"ensemble": ensemble.pk, "image": one.pk}, follow=True)
    assert "Started" in answer.content.decode()
    assert Run.objects.get(cohort=one.cohort).members.get().model_version == model


def test_a_researcher_cancels_their_own_run_and_no_other(client, house, shown, queued):
    one, result = shown
    cohort, ensemble = one.cohort, str(EnsembleFactory().pk)
    researcher = cohort.readers.get().user
    mine = cohort_run_submit(user=researcher, cohort=cohort, ensemble_id=ensemble)
    colleague = member(house, RESEARCHER)
    cohort.readers.create(user=colleague)
    theirs = cohort_run_submit(
        user=colleague, cohort=cohort, ensemble_id=str(EnsembleFactory(threshold=0.2).pk)
    )
    page = client.get(reverse("imaging:cohort-detail", args=[cohort.pk])).content.decode()
    address = reverse("imaging:cohort-run-cancel", args=[cohort.pk, mine.pk])
    assert address in page
    client.post(address)
    assert mine.jobs.get().status == "cancelled"
    for run in (theirs, result.job.run):
        foreign = reverse("imaging:cohort-run-cancel", args=[cohort.pk, run.pk])
        assert client.post(foreign).status_code == 404
    assert theirs.jobs.get().status == "queued"
    assert run_cancel(user=colleague, run=mine) == 0


def test_the_page_costs_the_same_however_many_pictures(
    client, house, researcher, django_assert_max_num_queries
):
    images = [dicom(house) for _ in range(6)]
    for image in images:
        ResultFactory(job=JobFactory(image=image, succeeded=True))
    cohort = CohortFactory(organisation=house, readers=[researcher], images=images)
    verify(client, researcher)
    with django_assert_max_num_queries(28):
        client.get(reverse("imaging:cohort-detail", args=[cohort.pk]))


def test_an_administrator_makes_and_closes_one_and_sees_no_picture(
    client, administrator, house, researcher
):
    [dicom(house) for _ in range(5)]
    verify(client, administrator)
    form = {
        "name": "Chest", "purpose": "To learn", "readers": [researcher.pk],
        "until": (localdate() + timedelta(days=9)).isoformat(), "modality": "xray",
    }  # fmt: skip
    page = client.post(reverse("imaging:cohort-manage"), form, follow=True).content.decode()
    cohort = Cohort.objects.get()
    assert "The cohort is made" in page
    assert '<span class="num">X-ray</span>' in page
    assert "<img" not in page
    client.post(reverse("imaging:cohort-close", args=[cohort.pk]))
    cohort.refresh_from_db()
    assert not cohort.is_open
    again = client.post(reverse("imaging:cohort-manage"), form | {"until": "2001-01-01"})
    assert (again.status_code, b"lies in the past" in again.content) == (422, True)
    assert client.get(reverse("imaging:cohort-detail", args=[cohort.pk])).status_code == 403


def test_a_radiologist_looks_through_what_is_theirs_to_see(client, house):
    chest, head = DepartmentFactory.create_batch(2, organisation=house)
    mine = ImageFactory(study__organisation=house, study__department=chest)
    other = ImageFactory(study__organisation=house, study__department=head)
    cohort = CohortFactory(organisation=house, held=[mine, other])
    verify(client, member(house, RADIOLOGIST, department=chest))
    page = client.get(reverse("imaging:cohort-review"))
    assert [one.image for one in page.context["waiting"]] == [mine]
    first, second = cohort.images.order_by("position")
    decide = "imaging:cohort-decide"
    client.post(reverse(decide, args=[first.pk]), {"answer": "maybe"})
    first.refresh_from_db()
    assert first.state == "held"
    client.post(reverse(decide, args=[first.pk]), {"answer": "clear"})
    first.refresh_from_db()
    assert first.state == "cleared"
    assert client.post(reverse(decide, args=[second.pk]), {"answer": "clear"}).status_code == 404


def test_a_picture_is_drawn_from_pixels_alone(client, house, researcher):
    image = dicom(house, array=np.full((1, 24, 32), 7, np.uint8))
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[image])
    verify(client, researcher)
    picture = client.get(reverse("imaging:cohort-picture", args=[cohort.images.get().pk])).content
    kinds = []
    at = 8
    while at < len(picture):
        size = int.from_bytes(picture[at : at + 4], "big")
        kinds.append(picture[at + 4 : at + 8])
        at += size + 12
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


def test_making_and_closing_ask_again_who_it_is(client, house, administrator):
    cohort = CohortFactory(organisation=house)
    client.force_login(administrator)  # no proof at all
    for answer in (
        client.get(reverse("imaging:cohort-manage")),
        client.post(reverse("imaging:cohort-manage"), {"name": "x"}),
        client.post(reverse("imaging:cohort-close", args=[cohort.pk])),
    ):
        assert reverse("account_reauthenticate") in answer.url
    cohort.refresh_from_db()
    assert cohort.is_open
    assert Cohort.objects.count() == 1


def test_a_deleted_study_is_in_no_page_of_the_cohort(client, house, shown):
    one, result = shown
    Study.objects.filter(pk=one.image.study_id).update(deleted_at=now())
    for name, args in (
        ("cohort-image", [one.pk]),
        ("cohort-picture", [one.pk]),
        ("cohort-layer", [one.pk, result.pk, "mask"]),
    ):
        assert client.get(reverse(f"imaging:{name}", args=args)).status_code == 404
    page = client.get(reverse("imaging:cohort-detail", args=[one.cohort_id])).content.decode()
    assert one.study_name not in page
