"""What the page of the brush begins with."""

from __future__ import annotations

import numpy as np
import pytest
from django.http import QueryDict

from imaging.paint_page import WIDEST_FIRST_BRUSH, paint_context
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, ResultFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("side", "brush"), [(12, 1), (64, 4), (640, WIDEST_FIRST_BRUSH)])
def test_the_first_brush_fits_the_picture(side, brush):
    user = UserFactory()
    image = ImageFactory(user=user, array=np.zeros((1, side, 2 * side), np.uint8))
    assert paint_context(QueryDict(""), ResultFactory(user=user, image=image))["brush"] == brush


def test_the_brush_begins_with_the_window_of_the_address():
    result = ResultFactory(user=UserFactory())
    config = paint_context(QueryDict("window=40,400"), result)["config"]
    assert config["window"] == [40, 400]
