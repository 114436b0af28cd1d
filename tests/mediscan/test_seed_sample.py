"""The samples of a fresh installation: one analysed, the others asked for, each for itself."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from imaging.models import Ensemble
from imaging.services.refusals import NotPossible
from mediscan.management.commands import seed_sample
from tests.accounts.factories import UserFactory
from tests.imaging.factories import EnsembleFactory, StudyFactory

pytestmark = pytest.mark.django_db


class Done:
    """A run whose one job has ended."""

    status, error = "done", ""

    @property
    def jobs(self):
        return self

    def live(self):
        return Ensemble.objects.none()

    def get(self):
        return self


@pytest.fixture
def asked(monkeypatch):
    """Give [(sample, ensemble)] as asked for; pictures are taken in without a worker."""
    runs = []

    def run(user, image, ensemble):
        runs.append((image.split()[0], ensemble.name))
        return Done()

    monkeypatch.setattr(seed_sample, "_upload", lambda user, sample, deadline: sample.name)
    monkeypatch.setattr(seed_sample, "_run", run)
    return runs


def seeded(*names: str) -> tuple[str, str]:
    UserFactory(is_superuser=True)
    for name in names:
        EnsembleFactory(name=name)
    out, err = StringIO(), StringIO()
    call_command("seed_sample", stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


ALL = ("xray-lungs", "xray-tuberculosis", "mri-brain-tumour", "mri-hippocampus", "ct-lungs")


def test_each_ensemble_that_there_is_reads_its_sample(asked):
    out, err = seeded(*ALL)
    assert err == ""
    assert asked == [
        ("sample-chest-phantom", "xray-lungs"),
        ("sample-chest-phantom", "xray-tuberculosis"),
        ("sample-brain-phantom", "mri-brain-tumour"),
        ("sample-hippocampus-phantom", "mri-hippocampus"),
        ("sample-chest-ct-phantom", "ct-lungs"),
    ]
    assert "Sample analysed: done." in out
    assert "a brain MRI slice, a 3-D MRI crop, a chest CT" in out


def test_a_picture_that_is_not_taken_is_said_and_the_others_go_on(asked, monkeypatch):
    def upload(user, sample, deadline):
        if "brain" in sample.name:
            raise CommandError("not this one")
        return sample.name

    monkeypatch.setattr(seed_sample, "_upload", upload)
    out, err = seeded(*ALL)
    assert err == "not this one\n"
    assert [ensemble for _, ensemble in asked] == [ALL[0], ALL[1], ALL[3], ALL[4]]
    assert "brain" not in out


def test_a_run_that_is_not_possible_is_said(asked, monkeypatch):
    first = seed_sample._run

    def run(user, image, ensemble):
        if ensemble.name == "ct-lungs":
            raise NotPossible("no such device")
        return first(user, image, ensemble)

    monkeypatch.setattr(seed_sample, "_run", run)
    out, err = seeded("xray-lungs", "ct-lungs")
    assert err == "No sample of “ct-lungs”: no such device\n"
    assert "goes on" not in out


def test_where_there_is_a_study_nothing_is_asked(asked):
    StudyFactory()
    assert seeded(*ALL) == ("", "")
    assert asked == []


def test_without_the_first_ensemble_it_is_said(asked):
    with pytest.raises(CommandError, match="no ensemble “xray-lungs”"):
        seeded("ct-lungs")
