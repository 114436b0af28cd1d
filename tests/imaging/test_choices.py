"""What is offered first for the images at hand."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.choices import ensembles_fitting
from tests.accounts.factories import UserFactory
from tests.imaging.factories import EnsembleFactory, ImageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def of_slices_and_volumes():
    flat, deep = EnsembleFactory(name="a-flat"), EnsembleFactory(name="b-deep")
    for ensemble, shape in ((flat, [1, 1, 64, 64]), (deep, [1, 1, 64, 64, 64])):
        model = ensemble.members.get().model_version
        model.metadata = model.metadata | {"input_shape": shape}
        model.save(update_fields=["metadata"])
    return flat, deep


def test_for_a_volume_what_reads_volumes_comes_first(of_slices_and_volumes):
    user = UserFactory()
    flat, deep = of_slices_and_volumes
    volume = ImageFactory(user=user, array=np.zeros((4, 8, 8), np.uint8))
    assert ensembles_fitting(user, [volume]) == [deep, flat]


def test_for_a_picture_it_does_not_stand_there(of_slices_and_volumes):
    user = UserFactory()
    flat, _deep = of_slices_and_volumes
    assert ensembles_fitting(user, [ImageFactory(user=user)]) == [flat]
