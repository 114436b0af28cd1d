"""The drawn chest: the same each time, and like a radiograph in its greys."""

import numpy as np

from imaging.samples import chest_phantom


def test_the_phantom_is_the_same_each_time_and_differs_by_seed():
    first = chest_phantom(128)
    assert (first == chest_phantom(128)).all()
    assert (first != chest_phantom(128, seed=1)).any()


def test_lungs_are_darker_than_the_spine_and_brighter_than_air():
    picture = chest_phantom(256).astype(float)
    lung, spine, air = picture[100:140, 70:90], picture[100:140, 124:132], picture[:12, :12]
    assert picture.shape == (256, 256)
    assert air.mean() < lung.mean() < spine.mean()
    assert np.ptp(picture) > 150
