"""Cohorts and proposed ensembles as each role sees them: accessible, never too wide, no script."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.roles import ADMINISTRATOR, RADIOLOGIST, RESEARCHER
from imaging.services.ensembles import ensemble_propose
from imaging.services.members import MemberChoice
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.browser.test_pages import faults
from tests.imaging.factories import (
    CohortFactory,
    EnsembleFactory,
    ImageFactory,
    ModelVersionFactory,
    ResultFactory,
    ramp,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
VIEWS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture
def world(queued):
    """Return by role who there is, and the addresses that they open."""
    house = OrganisationFactory()
    people = {
        role: UserFactory(organisation=house, role=role)
        for role in (RADIOLOGIST, RESEARCHER, ADMINISTRATOR)
    }
    result = ResultFactory(user=people[RADIOLOGIST])
    result.job.run.frozen["name"] = "xray-lungs"
    result.job.run.save()
    volume = ImageFactory(study__organisation=house, modality="mri", array=ramp((6, 24, 32)))
    held = [ImageFactory(study__organisation=house) for _ in range(2)]
    cohort = CohortFactory(
        organisation=house, name="Chest 2026", readers=[people[RESEARCHER]],
        purpose="To compare two ways of weighing models; ethics vote 26-114",
        images=[result.image, volume], held=held,
    )  # fmt: skip
    model, other = ModelVersionFactory(name="xray-a"), ModelVersionFactory(name="xray-b")
    serving = EnsembleFactory(organisation=house, name="chest-night", title="")
    serving.members.update(model_version=model)
    for name, weight in (("chest-night", 2), ("chest-new", 1)):
        ensemble_propose(
            user=people[RADIOLOGIST], organisation=house, name=name, threshold=0.4,
            members=[MemberChoice(model, weight), MemberChoice(other, 1, "cpu")],
        )  # fmt: skip
    first, second = (one.pk for one in cohort.images.filter(state="free").order_by("position"))
    return people, {
        RESEARCHER: [
            reverse("imaging:cohort-list"), reverse("imaging:cohort-detail", args=[cohort.pk]),
            reverse("imaging:cohort-image", args=[first]),
            reverse("imaging:cohort-image", args=[second]) + "?slice=2",
            reverse("reports:cohort-files", args=[cohort.pk]),
        ],
        RADIOLOGIST: [reverse("imaging:cohort-review"), reverse("imaging:model-list")],
        ADMINISTRATOR: [reverse("imaging:cohort-manage"), reverse("imaging:ensemble-list")],
    }  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_each_role_opens_its_pages(visit, live_server, world, width, scheme):
    people, addresses = world
    found = {}
    for role, pages in addresses.items():
        page = visit("/help/", user=people[role], verified=True, width=width, color_scheme=scheme)
        for address in pages:
            page.goto(live_server.url + address)
            page.wait_for_load_state("networkidle")
            found[f"{role}: {address}"] = faults(page)
    assert {name: what for name, what in found.items() if what} == {}
