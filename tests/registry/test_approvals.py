"""Two yeses of two people, then the version serves; the one before is one click away."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from imaging.models import ModelState, ModelVersion
from imaging.registry.approvals import model_approve, model_confirm, model_restore
from imaging.registry.taking import Sent, model_take
from imaging.services.refusals import NotPossible
from tests.accounts.factories import MembershipFactory, UserFactory
from tests.registry.sent import places, sent_folder

pytestmark = pytest.mark.django_db
__all__ = ["places"]


@pytest.fixture
def people():
    return UserFactory(), UserFactory(role="administrator"), UserFactory(role="administrator")


def served(model) -> str:
    model.refresh_from_db()
    return model.state


def approved(model, radiologist, administrator):
    model_approve(user=radiologist, model=model, kind="clinical")
    return model_approve(user=administrator, model=model, kind="technical")


def test_the_second_yes_activates(places, people):
    radiologist, adder, other = people
    model = model_take(Sent(sent_folder(places), user=adder))
    assert model_approve(user=radiologist, model=model, kind="clinical").state == "checked"
    assert model_approve(user=other, model=model, kind="technical").state == ModelState.ACTIVE
    acts = AuditEvent.objects.filter(action="model.approve").values_list("actor", "reason")
    assert set(acts) == {(radiologist.pk, "clinical"), (other.pk, "technical")}


def test_whoever_added_it_does_not_give_the_technical_yes(places, people):
    radiologist, adder, _other = people
    model = model_take(Sent(sent_folder(places), user=adder))
    model_approve(user=radiologist, model=model, kind="clinical")
    with pytest.raises(NotPossible, match="You added this model"):
        model_approve(user=adder, model=model, kind="technical")
    assert served(model) == ModelState.CHECKED


def test_one_person_of_both_roles_gives_one_yes(places, people):
    radiologist, _, _ = people
    house = radiologist.memberships.get().organisation
    MembershipFactory(user=radiologist, organisation=house, role="administrator")
    model = model_take(Sent(sent_folder(places)))
    model_approve(user=radiologist, model=model, kind="clinical")
    with pytest.raises(NotPossible, match="another person"):
        model_approve(user=radiologist, model=model, kind="technical")


@pytest.mark.parametrize(
    ("role", "kind"),
    [("clinician", "clinical"), ("administrator", "clinical"), ("radiologist", "technical"),
     ("auditor", "technical"), ("radiologist", "other")],
)  # fmt: skip
def test_a_yes_of_another_role_is_refused(places, role, kind):
    model = model_take(Sent(sent_folder(places)))
    with pytest.raises(NotPossible, match="not your role"):
        model_approve(user=UserFactory(role=role), model=model, kind=kind)


def test_a_yes_counts_once(places, people):
    radiologist, _, _ = people
    model = model_take(Sent(sent_folder(places)))
    model_approve(user=radiologist, model=model, kind="clinical")
    with pytest.raises(NotPossible, match="given already"):
        model_approve(user=UserFactory(), model=model, kind="clinical")


@pytest.mark.parametrize("state", ["draft", "quarantined", "retired", "active"])
def test_only_what_is_checked_waits_for_a_yes(places, people, state):
    radiologist, _, _ = people
    model = model_take(Sent(sent_folder(places)))
    ModelVersion.objects.update(state=state)
    model.refresh_from_db()
    with pytest.raises(NotPossible, match="waits for no yes"):
        model_approve(user=radiologist, model=model, kind="clinical")


def test_a_new_version_takes_the_place_and_the_old_one_comes_back_by_one_click(places, people):
    radiologist, adder, other = people
    old = model_take(Sent(sent_folder(places), user=adder))
    approved(old, radiologist, other)
    new = model_take(Sent(sent_folder(places, version="2.0.0"), user=adder))
    approved(new, radiologist, other)
    assert (served(old), served(new)) == (ModelState.RETIRED, ModelState.ACTIVE)
    model_restore(user=other, model=old)
    assert (served(old), served(new)) == (ModelState.ACTIVE, ModelState.RETIRED)


def test_what_never_served_cannot_be_brought_back(places, people):
    _, adder, other = people
    model = model_take(Sent(sent_folder(places), user=adder))
    ModelVersion.objects.update(state=ModelState.RETIRED)
    with pytest.raises(NotPossible, match="cannot be brought back"):
        model_restore(user=other, model=model)


def test_an_entry_that_was_changed_past_the_registry_is_not_activated(places, people):
    radiologist, _, other = people
    model = model_take(Sent(sent_folder(places)))
    ModelVersion.objects.update(metadata={**model.metadata, "threshold": 0.01})
    model_approve(user=radiologist, model=model, kind="clinical")
    with pytest.raises(NotPossible, match="changed past the registry"):
        model_approve(user=other, model=model, kind="technical")
    assert served(model) == ModelState.CHECKED
    assert model.approvals.count() == 1


def test_a_draft_is_confirmed_by_a_person_and_then_waits_for_its_yeses(places, people):
    _, adder, other = people
    model = model_take(Sent(sent_folder(places), draft=True))
    confirmed = model_confirm(user=adder, model=model)
    assert (confirmed.state, confirmed.problem, confirmed.added_by) == ("checked", "", adder)
    with pytest.raises(NotPossible, match="You added this model"):
        model_approve(user=adder, model=confirmed, kind="technical")
    with pytest.raises(NotPossible, match="is no draft"):
        model_confirm(user=other, model=confirmed)


def test_a_draft_whose_card_is_empty_stays_one(places, people):
    model = model_take(Sent(sent_folder(places, card={"licence": "MIT"})))
    with pytest.raises(NotPossible, match="its card does not say"):
        model_confirm(user=people[1], model=model)
