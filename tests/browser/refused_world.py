"""The world of the matrix test, and the rows behind forms that only some rows bring forth."""

from __future__ import annotations

from pathlib import Path

from django.test import Client

from accounts import roles
from accounts.models import Organisation
from imaging.models import Image, ItemStatus
from imaging.services.ensembles import ensemble_propose
from imaging.services.members import MemberChoice
from tests.accounts.factories import PlanFactory, UserFactory, verify
from tests.browser.story import analysed_by, drawn_result
from tests.imaging.analyses import refused_analysis
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    ModelVersionFactory,
    UploadItemFactory,
)
from tests.security.matrix import OWN, World, build

READS_FIRST, READS_ALL = "reads first", "reads all"


def build_for_refusals(folder: Path) -> World:
    """Return everybody and everything; what is made here is kept under OWN."""
    world = build()
    house = Organisation.objects.get(pk=world.id_of("organisation", OWN, ""))
    reader = world.users[roles.RADIOLOGIST]
    chest = Image.objects.get(pk=world.id_of("image", OWN, "")).study.department
    there = {"study__organisation": house, "study__department": chest}
    for name in (READS_FIRST, READS_ALL):
        world.users[name] = UserFactory(organisation=house, read_first=name == READS_FIRST)
        world.clients[name] = verify(Client(), world.users[name])
    everywhere = world.users[READS_ALL]
    refused = analysed_by(everywhere, refused_analysis, "segmentation", folder)
    EnsembleFactory(organisation=house)
    proposed = ensemble_propose(
        user=reader, organisation=house, name="chest-night", threshold=0.4,
        members=[MemberChoice(ModelVersionFactory(), 1)],
    )  # fmt: skip
    UploadItemFactory(
        upload_id=world.id_of("upload", OWN, ""), status=ItemStatus.ACCEPTED,
        image=ImageFactory(**there), blob=None,
    )  # fmt: skip
    PlanFactory(name="Clinic")
    world.rows |= {
        ("unread image", OWN): drawn_result(everywhere, folder).image.pk,
        ("refused result", OWN): refused.pk,
        ("drawn result", OWN): drawn_result(everywhere, folder).pk,
        ("fresh study", OWN): ImageFactory(**there).study_id,
        ("ensemble", OWN): proposed.pk,
    }
    return world
