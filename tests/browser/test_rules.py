"""An administrator makes a rule, sees what it fits, switches it on; a new image is run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from accounts.roles import ADMINISTRATOR
from imaging.models import Rule, Run
from imaging.services.rule_matches import matches_note, rules_obey
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.browser.test_pages import faults
from tests.imaging.factories import EnsembleFactory, ImageFactory, StudyFactory, UploadFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_rule_is_made_looked_at_switched_on_and_obeyed(visit, queued, monkeypatch):
    monkeypatch.setattr("imaging.services.members.manifest_problem", lambda model: "")
    house = OrganisationFactory(name="St. Example")
    head = UserFactory(organisation=house, role=ADMINISTRATOR)
    sender = UserFactory(organisation=house)
    ensemble = EnsembleFactory(title="Lung fields on chest X-rays")
    ImageFactory(study=StudyFactory(organisation=house), header='{"body_part": "CHEST"}')
    page = visit("/rules/", user=head, verified=True)
    expect(page.get_by_text("Nothing runs by itself")).to_be_visible()
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("Name").fill("Chest X-rays")
    page.get_by_label("Body part").fill("chest")
    page.get_by_label("Ensemble").select_option(label=str(ensemble))
    assert faults(page) == []
    page.get_by_role("button", name="Make the rule").click()
    expect(page.get_by_text(re.compile("1 image"))).to_be_visible()
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("The rule is on: new images that fit are analysed.")).to_be_visible()

    upload = UploadFactory(user=sender, finished=True)
    study = StudyFactory(organisation=house)
    matches_note(upload, [ImageFactory(study=study, header='{"body_part": "CHEST"}')])
    rules_obey(upload.pk)
    run = Run.objects.get(rule=Rule.objects.get())
    page.reload()
    expect(page.get_by_text(str(run.pk)[:8])).to_be_visible()
    assert faults(page) == []
