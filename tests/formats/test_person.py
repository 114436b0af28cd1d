"""DICOM person names as people write them."""

import pytest

from imaging.formats.person import person_name


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("OKAFOR^Amara", "OKAFOR, Amara"),
        ("Doe^Jane^Mary^Dr^PhD", "Doe, Dr Jane Mary PhD"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou"),
        ("=山田^太郎", "山田, 太郎"),
        ("^^=山田^太郎", "山田, 太郎"),
        ("^Jane", "Jane"),
        ("Doe^^^^", "Doe"),
        ("Jane Doe", "Jane Doe"),
        ("", ""),
        ("^^^^", ""),
    ],
)
def test_a_name_is_written_as_people_do(stored, written):
    assert person_name(stored) == written
