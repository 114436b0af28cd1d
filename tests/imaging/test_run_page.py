"""The rows of the run form: as an ensemble says, as they were sent, with their shares."""

import pytest
from django.http import QueryDict
from django.urls import reverse

from imaging.forms import RunForm
from imaging.models import Ensemble, EnsembleMember
from imaging.run_page import choice_shown
from tests.accounts.factories import UserFactory
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    JobFactory,
    ModelVersionFactory,
    RunFactory,
)

pytestmark = pytest.mark.django_db


def test_an_ensemble_fills_the_rows_and_whole_weights_have_no_decimals():
    ensemble = EnsembleFactory()
    model = ensemble.members.get().model_version
    ensemble.members.update(weight=2.0, device="cuda")
    other = ModelVersionFactory()
    shown = choice_shown([(model, ""), (other, "")], [ensemble], asked="", sent=None)
    first, second = shown["rows"]
    assert (str(first["weight"]), first["device"], first["share"]) == ("2", "cuda", 100)
    assert (second["on"], second["share"]) == (False, None)
    assert shown["can_start"]


@pytest.mark.parametrize(
    ("weights", "shares"),
    [(("1", "3"), [25, 75]), (("0,5", "0.5"), [50, 50]), (("x", "1"), [0, 100]),
     (("0", "0"), [None, None]), (("nan", "inf"), [None, None])],
)  # fmt: skip
def test_what_was_sent_is_shown_with_its_shares(weights, shares):
    models = [ModelVersionFactory(), ModelVersionFactory()]
    sent = QueryDict(mutable=True)
    for model, weight in zip(models, weights, strict=True):
        sent.appendlist("member", str(model.pk))
        sent[f"weight_{model.pk}"] = weight
    shown = choice_shown([(model, "") for model in models], [], asked="", sent=sent)
    assert [row["weight"] for row in shown["rows"]] == list(weights)
    assert [row["share"] for row in shown["rows"]] == shares


def test_a_gpu_by_its_number_stays_chosen_and_can_be_sent_again():
    ensemble = EnsembleFactory()
    ensemble.members.update(device="cuda:1")
    model = ensemble.members.get().model_version
    (row,) = choice_shown([(model, "")], [ensemble], asked="", sent=None)["rows"]
    assert (row["device"], row["devices"][-1]) == ("cuda:1", ("cuda:1", "GPU number 1"))
    sent = QueryDict(f"threshold=0.5&member={model.pk}&device_{model.pk}=cuda:1")
    form = RunForm(sent, models=[model])
    assert form.is_valid()
    assert form.cleaned_data["members"][0].device == "cuda:1"
    (row,) = choice_shown([(model, "")], [], asked="", sent=sent)["rows"]
    assert row["devices"][-1][0] == "cuda:1"
    wrong = RunForm(QueryDict(f"threshold=0.5&member={model.pk}&device_{model.pk}=cuda:x"),
                    models=[model])  # fmt: skip
    assert not wrong.is_valid()


def test_where_nothing_fits_nothing_can_start():
    shown = choice_shown([(ModelVersionFactory(), "It was made for CT.")], [], asked="", sent=None)
    assert not shown["can_start"]


def test_runs_stand_newest_first(client):
    user = UserFactory()
    client.force_login(user)
    runs = [RunFactory(requested_by=user) for _ in range(4)]
    for run in runs:
        JobFactory(run=run)
    listed = client.get(reverse("imaging:run-list")).context["runs"]
    assert [run.pk for run in listed] == [run.pk for run in reversed(runs)]


def test_suggested_weights_are_offered_and_filled_in_on_request():
    model, other = ModelVersionFactory(name="a"), ModelVersionFactory(name="b")
    ensemble = EnsembleFactory()
    ensemble.members.all().delete()
    for place, one in enumerate((model, other)):
        EnsembleMember.objects.create(ensemble=ensemble, model_version=one, position=place)
    ensemble.suggested = {
        "weights": {"a": 0.7, "b": 0.3}, "threshold": 0.4, "gain": 0.01, "ci95": [0.002, 0.02],
        "images": 30, "folds": 5,
    }  # fmt: skip
    ensemble.save()
    listed = [(model, ""), (other, "")]
    plain = choice_shown(listed, [ensemble], asked="", sent=None)
    assert ([row["weight"] for row in plain["rows"]], plain["threshold"]) == ([1, 1], 0.5)
    assert (plain["suggested"]["gain"], plain["is_suggested"]) == (0.01, False)
    filled = choice_shown(listed, [ensemble], asked="", sent=None, as_suggested=True)
    assert [row["weight"] for row in filled["rows"]] == [0.7, 0.3]
    assert [round(row["share"]) for row in filled["rows"]] == [70, 30]
    assert (filled["threshold"], filled["is_suggested"]) == (0.4, True)


def test_the_form_offers_them_and_a_press_fills_them_in(client):
    image = ImageFactory()
    user = image.study.uploaded_by
    client.force_login(user)
    model = ModelVersionFactory(name="a")
    ensemble = EnsembleFactory()
    ensemble.members.all().delete()
    EnsembleMember.objects.create(ensemble=ensemble, model_version=model, position=0)
    told = {"weights": {"a": 0.25}, "threshold": 0.35, "gain": 0.0123, "ci95": [0.002, 0.02]}
    Ensemble.objects.update(suggested={**told, "images": 30, "folds": 5})
    there = reverse("imaging:run-create")
    text = client.get(there, {"image": image.pk}).content.decode()
    assert "Use the suggested weights" in text
    assert "0.0123" in text
    form = {"choose": "1", "suggested": "1", "image": image.pk, "ensemble": ensemble.pk}
    text = client.post(there, form).content.decode()
    assert "Filled in below" in text
    assert 'value="0.25"' in text
    assert 'value="0.35"' in text
