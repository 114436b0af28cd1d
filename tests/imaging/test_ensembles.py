"""A saved ensemble is a proposal; another person decides, and until then nothing changes."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import AuditEvent, Notice
from accounts.roles import ADMINISTRATOR, AUDITOR, RADIOLOGIST
from imaging.choices import ensembles_open_to
from imaging.ensemble_pages import changes_of
from imaging.models import Ensemble, EnsembleState, Run
from imaging.services import ensembles
from imaging.services.ensembles import ensemble_approve, ensemble_decline, ensemble_propose
from imaging.services.members import MemberChoice
from imaging.services.refusals import NotPossible
from imaging.services.runs import run_submit
from tests.accounts.factories import MembershipFactory, OrganisationFactory, UserFactory, verify
from tests.imaging.factories import EnsembleFactory, ImageFactory, ModelVersionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def radiologist(house):
    return MembershipFactory(organisation=house, role=RADIOLOGIST).user


@pytest.fixture
def administrator(house):
    return MembershipFactory(organisation=house, role=ADMINISTRATOR).user


@pytest.fixture
def model():
    return ModelVersionFactory()


def propose(user, house, model, *, threshold=0.5, weight=1.0, name="chest-night") -> Ensemble:
    choice = [MemberChoice(model, weight)]
    return ensemble_propose(
        user=user, organisation=house, name=name, members=choice, threshold=threshold
    )


def test_a_proposal_keeps_the_choice_and_tells_the_administrators(
    radiologist, administrator, house
):
    a, b = ModelVersionFactory(modalities=["xray", "ct"]), ModelVersionFactory()
    ensemble = ensemble_propose(
        user=radiologist, organisation=house, name="chest-night",
        members=[MemberChoice(a, 2, "cpu"), MemberChoice(b)], threshold=0.4,
    )  # fmt: skip
    kept = [(m.model_version, m.weight, m.device) for m in ensemble.members.all()]
    assert kept == [(a, 2, "cpu"), (b, 1, "auto")]
    assert (ensemble.modalities, ensemble.threshold) == (["xray"], 0.4)
    assert (ensemble.state, ensemble.number) == (EnsembleState.PROPOSED, 1)
    assert Notice.objects.get(to=administrator).kind == "ensemble_proposed"
    assert AuditEvent.objects.get(action="ensemble.propose").actor == radiologist


def test_nobody_is_offered_it_before_an_administrator_approves(
    radiologist, administrator, house, model
):
    ensemble = propose(radiologist, house, model)
    assert not ensembles_open_to(radiologist).exists()
    ensemble_approve(user=administrator, ensemble=ensemble)
    assert list(ensembles_open_to(radiologist)) == [ensemble]
    assert Notice.objects.get(to=radiologist).kind == "ensemble_approved"
    assert AuditEvent.objects.get(action="ensemble.approve").actor == administrator


def test_nobody_approves_their_own_whatever_their_roles(radiologist, house, model):
    MembershipFactory(user=radiologist, organisation=house, role=ADMINISTRATOR)
    ensemble = propose(radiologist, house, model)
    with pytest.raises(NotPossible, match="You proposed this"):
        ensemble_approve(user=radiologist, ensemble=ensemble)
    with pytest.raises(NotPossible, match="You proposed this"):
        ensemble_decline(user=radiologist, ensemble=ensemble, reason="mine")
    with pytest.raises(IntegrityError, match="ensemble_by_two_people"), transaction.atomic():
        Ensemble.objects.filter(pk=ensemble.pk).update(state="approved", decided_by=radiologist)


@pytest.mark.parametrize("role", [RADIOLOGIST, AUDITOR])
def test_only_an_administrator_of_that_organisation_decides(house, radiologist, model, role):
    ensemble = propose(radiologist, house, model)
    for person in (
        MembershipFactory(organisation=house, role=role).user,
        MembershipFactory(role=ADMINISTRATOR).user,
    ):
        with pytest.raises(NotPossible, match="administrator of its organisation"):
            ensemble_approve(user=person, ensemble=ensemble)


def test_a_change_serves_in_the_place_of_the_version_before_which_runs_keep(
    radiologist, administrator, house, model, queued
):
    first = ensemble_approve(user=administrator, ensemble=propose(radiologist, house, model))
    image = ImageFactory(study__organisation=house)
    choice = {"members": [MemberChoice(model)], "threshold": 0.5}
    run = run_submit(user=radiologist, images=[image], ensemble=first, **choice)
    second = propose(radiologist, house, model, threshold=0.3)
    assert list(ensembles_open_to(radiologist)) == [first]
    ensemble_approve(user=administrator, ensemble=second)
    first.refresh_from_db()
    assert (first.state, second.number) == (EnsembleState.REPLACED, 2)
    assert list(ensembles_open_to(radiologist)) == [second]
    run.refresh_from_db()
    assert (run.ensemble, run.threshold, run.frozen["threshold"]) == (first, 0.5, 0.5)


def test_a_declined_one_says_why_and_another_may_be_proposed(
    radiologist, administrator, house, model
):
    ensemble = propose(radiologist, house, model)
    with pytest.raises(NotPossible, match="Say why"):
        ensemble_decline(user=administrator, ensemble=ensemble, reason="  ")
    ensemble_decline(user=administrator, ensemble=ensemble, reason="The weight is unfounded")
    ensemble.refresh_from_db()
    assert (ensemble.state, ensemble.reason) == ("declined", "The weight is unfounded")
    assert Notice.objects.get(to=radiologist).kind == "ensemble_declined"
    with pytest.raises(NotPossible, match="decided already"):
        ensemble_approve(user=administrator, ensemble=ensemble)
    assert propose(radiologist, house, model).number == 2


def test_one_of_a_name_waits_at_a_time_in_each_organisation(radiologist, house, model):
    propose(radiologist, house, model)
    with pytest.raises(NotPossible, match="waits for an administrator already"):
        propose(radiologist, house, model)
    other = UserFactory()
    propose(other, other.memberships.get().organisation, model)
    assert Ensemble.objects.filter(name="chest-night").count() == 2


def test_of_two_proposed_at_the_same_instant_the_second_is_refused_in_words(
    radiologist, house, model, monkeypatch
):
    def meanwhile(members, **options):
        Ensemble.objects.create(organisation=house, name="chest-night", modalities=[])
        return frozen_spec(members, **options)

    frozen_spec = ensembles.frozen_spec
    monkeypatch.setattr(ensembles, "frozen_spec", meanwhile)
    with pytest.raises(NotPossible, match="already"):
        propose(radiologist, house, model)


def test_models_that_no_longer_serve_cannot_be_approved(radiologist, administrator, house, model):
    ensemble = propose(radiologist, house, model)
    type(model).objects.filter(pk=model.pk).update(state="retired")
    with pytest.raises(NotPossible, match="not active"):
        ensemble_approve(user=administrator, ensemble=ensemble)


@pytest.mark.parametrize("state", ["proposed", "declined"])
def test_a_run_with_an_unapproved_one_is_refused_in_words(radiologist, house, model, queued, state):
    reason = "because" if state == "declined" else ""
    ensemble = EnsembleFactory(organisation=house, state=state, reason=reason)
    image = ImageFactory(study__organisation=house)
    with pytest.raises(NotPossible, match="not approved"):
        run_submit(user=radiologist, images=[image], members=[MemberChoice(model)],
                   threshold=0.5, ensemble=ensemble)  # fmt: skip
    assert not Run.objects.exists()


def test_the_rows_hold_what_the_states_mean(house):
    wrong = [
        {"organisation": None, "state": "proposed"},
        {"organisation": house, "state": "declined"},
        {"organisation": house, "state": "approved", "reason": "none needed"},
    ]
    for fields in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            Ensemble.objects.create(name="x", **fields)


def test_before_and_after_stand_side_by_side(house):
    a, b = ModelVersionFactory(name="a"), ModelVersionFactory(name="b")
    before, after = (EnsembleFactory(organisation=house, threshold=t) for t in (0.5, 0.4))
    before.members.update(model_version=a)
    after.members.update(model_version=b, weight=2, device="cpu")
    lines = {one.what: (one.before, one.after) for one in changes_of(before, after)}
    assert lines["a"] == (f"{a.version}, weight 1, any device", "")
    assert lines["b"] == ("", f"{b.version}, weight 2, CPU")
    assert lines["Threshold"] == ("0.50", "0.40")
    assert lines["Joined by"][0] == lines["Joined by"][1]


# --- pages, API, command


def test_the_queue_shows_what_changes_and_takes_the_word(
    client, radiologist, administrator, house, model
):
    ensemble_approve(user=administrator, ensemble=propose(radiologist, house, model))
    waiting = propose(radiologist, house, model, threshold=0.3)
    verify(client, administrator)
    page = client.get(reverse("imaging:ensemble-list")).content.decode()
    assert page.count("0.50") == 1
    assert "changed" in page
    answer = client.post(reverse("imaging:ensemble-approve", args=[waiting.pk]), follow=True)
    assert "It serves from now on" in answer.content.decode()
    waiting.refresh_from_db()
    assert waiting.state == "approved"


def test_declining_takes_a_reason_and_a_fresh_proof(
    client, radiologist, administrator, house, model
):
    waiting = propose(radiologist, house, model)
    address = reverse("imaging:ensemble-decline", args=[waiting.pk])
    verify(client, administrator)
    answer = client.post(address, {"reason": ""}, follow=True)
    assert "Say why" in answer.content.decode()
    client.post(address, {"reason": "Not yet"})
    verify(client, radiologist)
    mine = client.get(reverse("imaging:model-list")).content.decode()
    assert "Not yet" in mine
    assert "Declined" in mine


def test_an_auditor_looks_and_a_radiologist_does_not(client, radiologist, house, model):
    propose(radiologist, house, model)
    verify(client, MembershipFactory(organisation=house, role=AUDITOR).user)
    page = client.get(reverse("imaging:ensemble-list"))
    assert "chest-night" in page.content.decode()
    assert "Approve</button>" not in page.content.decode()
    verify(client, radiologist)
    assert client.get(reverse("imaging:ensemble-list")).status_code == 403


def test_another_house_s_proposal_is_unknown(client, administrator):
    theirs = EnsembleFactory(organisation=OrganisationFactory(), state="proposed")
    verify(client, administrator)
    assert theirs.name not in client.get(reverse("imaging:ensemble-list")).content.decode()
    for act in ("approve", "decline"):
        address = reverse(f"imaging:ensemble-{act}", args=[theirs.pk])
        assert client.post(address, {"reason": "x"}).status_code == 404


def test_the_queue_costs_the_same_however_long(
    client, radiologist, administrator, house, model, django_assert_max_num_queries
):
    verify(client, administrator)
    for name in ("a", "b", "c", "d"):
        propose(radiologist, house, model, name=name)
    with django_assert_max_num_queries(16):
        client.get(reverse("imaging:ensemble-list"))


def test_whoever_has_the_machine_may_approve_alone_and_the_trail_says_so(radiologist, house, model):
    with pytest.raises(CommandError, match="No proposed"):
        call_command("approve_ensemble", "chest-night")
    propose(radiologist, house, model)
    out = StringIO()
    call_command("approve_ensemble", "chest-night", stdout=out)
    assert out.getvalue() == "chest-night serves.\n"
    assert AuditEvent.objects.get(action="ensemble.approve").actor is None


@pytest.mark.parametrize("act", ["approve", "decline"])
def test_a_decision_asks_again_who_it_is(client, radiologist, administrator, house, model, act):
    waiting = propose(radiologist, house, model)
    client.force_login(administrator)  # no proof at all
    answer = client.post(reverse(f"imaging:ensemble-{act}", args=[waiting.pk]), {"reason": "x"})
    assert reverse("account_reauthenticate") in answer.url
    waiting.refresh_from_db()
    assert waiting.state == "proposed"
