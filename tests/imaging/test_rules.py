"""Rules for new images: obeyed once, within plan and role, and a refusal stands in words."""

from __future__ import annotations

import numpy as np
import pytest

from accounts.models import AuditEvent, Membership, Plan, ServiceAccount
from imaging.models import EnsembleState, Image, Job, Rule, RuleMatch, Run
from imaging.services.ingest import upload_ingest
from imaging.services.members import MemberChoice
from imaging.services.rule_matches import matches_note, rules_obey, rules_recover
from imaging.services.runs import run_submit
from imaging.services.shredding import patient_shred
from tests.accounts.factories import DepartmentFactory, UserFactory
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    RuleFactory,
    UploadFactory,
    UploadItemFactory,
)
from tests.imaging.fake_engine import decoded, dicom, fake_decoder

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def models_whole(monkeypatch, queued):
    """The weights of the factories' models are not on the disk."""
    monkeypatch.setattr("imaging.services.members.manifest_problem", lambda model: "")


@pytest.fixture
def sender():
    return UserFactory()


@pytest.fixture
def house(sender):
    return Membership.objects.get(user=sender).organisation


@pytest.fixture
def arrive(sender, monkeypatch):
    """Take files in as the worker does; each is one answer of the decoding child."""

    def take(*answers, upload=None, **fields):
        upload = upload or UploadFactory(user=sender, **fields)
        for number, _answer in enumerate(answers):
            UploadItemFactory(upload=upload, data=f"{upload.pk} {number}".encode())
        fake_decoder(monkeypatch, *answers)
        upload_ingest(str(upload.pk))
        return upload

    return take


def only_match() -> RuleMatch:
    return RuleMatch.objects.select_related("run", "rule").get()


def test_a_new_image_that_fits_is_run_and_says_by_which_rule(arrive, house):
    rule = RuleFactory(organisation=house)
    arrive(decoded())
    run = Run.objects.get()
    assert (run.rule, run.ensemble, run.organisation) == (rule, rule.ensemble, house)
    assert run.jobs.get().image == Image.objects.get()
    assert str(run.requested_by) == "Automatic runs"
    assert ServiceAccount.objects.get().user == run.requested_by
    assert not run.requested_by.is_active
    event = AuditEvent.objects.get(action="run.submit")
    assert (event.actor, event.reason) == (run.requested_by, f"rule {rule.pk}")
    assert (only_match().run, only_match().problem) == (run, "")


def test_the_images_of_one_upload_are_one_run(arrive, house):
    RuleFactory(organisation=house)
    arrive(decoded(), decoded(np.ones((1, 4, 5), np.uint8)))
    assert Run.objects.get().jobs.count() == 2


def test_delivered_twice_it_runs_once(arrive, house):
    rule = RuleFactory(organisation=house)
    upload = arrive(decoded())
    upload_ingest(str(upload.pk))
    rules_obey(upload.pk)
    matches_note(upload, list(Image.objects.all()))
    rules_obey(upload.pk)
    assert rules_recover() == 0
    assert (Run.objects.count(), Job.objects.count(), rule.matches.count()) == (1, 1, 1)


def test_what_a_killed_worker_left_is_taken_up(arrive, house, monkeypatch):
    RuleFactory(organisation=house)
    monkeypatch.setattr("imaging.services.ingest.rules_obey", lambda upload: None)
    arrive(decoded())
    assert (Run.objects.count(), only_match().closed_at) == (0, None)
    assert rules_recover() == 1
    assert Run.objects.get().rule == only_match().rule


def test_while_files_are_still_read_nothing_starts(sender, house):
    RuleFactory(organisation=house)
    upload = UploadFactory(user=sender)
    matches_note(upload, [ImageFactory(user=sender)])
    assert (rules_obey(upload.pk), rules_recover(), Run.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("says", "sent", "fits"),
    [
        ({}, {}, True),
        ({"modality": "ct"}, {}, False),
        ({"body_part": "CHEST"}, {"body_part": " Chest"}, True),
        ({"body_part": "CHEST"}, {"body_part": "FOOT"}, False),
        ({"body_part": "CHEST"}, {}, False),
        ({"is_on": False}, {}, False),
    ],
)
def test_what_fits(arrive, house, says, sent, fits):
    RuleFactory(organisation=house, **says)
    arrive(dicom(**sent))
    assert Run.objects.exists() == fits


def test_the_department_decides(arrive, house):
    chest, head = DepartmentFactory.create_batch(2, organisation=house)
    RuleFactory(organisation=house, department=chest)
    arrive(decoded(), department=head)
    arrive(decoded())
    assert not RuleMatch.objects.exists()
    arrive(decoded(), department=chest)
    assert Run.objects.get().jobs.get().image.study.department == chest


def test_a_rule_of_another_house_sees_nothing(arrive):
    RuleFactory()
    arrive(decoded())
    assert not RuleMatch.objects.exists()


def test_an_ensemble_that_does_not_fit_is_said(arrive, house):
    rule = RuleFactory(organisation=house)
    model = rule.ensemble.members.get().model_version
    model.metadata |= {"input_shape": [1, 1, 96, 96, 96]}
    model.save()
    arrive(decoded())
    match = only_match()
    assert match.run is None
    assert "reads volumes" in match.problem
    assert not Run.objects.exists()
    event = AuditEvent.objects.get(action="rule.refuse")
    assert (event.outcome, event.organisation) == ("refused", house)


def test_the_plan_is_kept(arrive, house):
    house.plan = Plan.objects.create(name="None", runs_per_month=0)
    house.save()
    RuleFactory(organisation=house)
    arrive(decoded())
    assert "allows 0 runs a month" in only_match().problem
    assert not Run.objects.exists()


def test_the_account_without_its_role_starts_nothing(arrive, house):
    RuleFactory(organisation=house)
    arrive(decoded())
    Membership.objects.filter(user=ServiceAccount.objects.get().user).delete()
    arrive(decoded(np.ones((1, 4, 5), np.uint8)))
    assert "has lost its role" in RuleMatch.objects.get(run=None).problem
    assert Run.objects.count() == 1


def test_switched_off_meanwhile_it_starts_nothing(sender, house):
    rule = RuleFactory(organisation=house)
    upload = UploadFactory(user=sender, finished=True)
    matches_note(upload, [ImageFactory(user=sender)])
    Rule.objects.filter(pk=rule.pk).update(is_on=False)
    rules_obey(upload.pk)
    assert "switched off" in only_match().problem


def test_what_serves_under_the_name_is_what_runs(arrive, house):
    old = EnsembleFactory(organisation=house, name="lungs")
    RuleFactory(organisation=house, ensemble=old)
    old.state = EnsembleState.REPLACED
    old.save()
    new = EnsembleFactory(organisation=house, name="lungs", number=2)
    arrive(decoded())
    assert Run.objects.get().ensemble == new
    new.state = EnsembleState.REPLACED
    new.save()
    arrive(decoded(np.ones((1, 4, 5), np.uint8)))
    assert "serves no more" in RuleMatch.objects.get(run=None).problem


def test_one_picture_among_volumes_is_refused_alone(arrive, sender, house):
    rule = RuleFactory(organisation=house, modality="ct")
    rule.ensemble.members.update(position=0)
    rule.ensemble.modalities = ["ct"]
    rule.ensemble.save()
    model = rule.ensemble.members.get().model_version
    model.modalities, model.metadata = ["ct"], model.metadata | {"input_shape": [1, 1, 8, 8, 8]}
    model.save()
    upload = UploadFactory(user=sender, finished=True)
    images = [
        ImageFactory(user=sender, modality="ct", array=np.zeros((depth, 4, 5), np.uint8))
        for depth in (1, 5)
    ]
    matches_note(upload, images[:1])
    matches_note(upload, images[1:])
    rules_obey(upload.pk)
    assert Run.objects.get().jobs.get().image == images[1]
    assert "single picture" in RuleMatch.objects.get(image=images[0]).problem


def test_what_is_at_work_already_is_not_started_again(sender, house):
    rule = RuleFactory(organisation=house)
    image = ImageFactory(user=sender)
    run_submit(
        user=sender, images=[image], threshold=rule.ensemble.threshold, ensemble=rule.ensemble,
        members=[MemberChoice(rule.ensemble.members.get().model_version)],
    )  # fmt: skip
    upload = UploadFactory(user=sender, finished=True)
    matches_note(upload, [image])
    rules_obey(upload.pk)
    assert "already" in only_match().problem
    assert Run.objects.count() == 1


def test_an_erased_patient_leaves_no_match(arrive, house):
    RuleFactory(organisation=house)
    arrive(decoded())
    image = Image.objects.get()
    patient_shred(house.pk, image.patient_id)
    assert not RuleMatch.objects.exists()
    assert not Run.objects.exists()


def test_without_a_rule_an_image_costs_one_statement(sender, django_assert_num_queries):
    image = ImageFactory(user=sender)
    upload = UploadFactory(user=sender)
    with django_assert_num_queries(1):
        matches_note(upload, [image])
