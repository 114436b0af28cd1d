"""One person's life in the house, with a canary in every field that tells who they are."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.formats.factories import DX as DX_CLASS
from tests.formats.factories import dicom_dataset, dicom_file, ramp

WORDS = (
    "Zqname", "ZQRECORD", "19310729", "1931-07-29", "Zqfile", "Zqtag", "ZQACCESSION", "Zqexif",
    "Zqreferrer", "Zqstudy",
)  # fmt: skip

# a radiograph: no place in space, no calibrated numbers
DX = {"SOPClassUID": DX_CLASS, "Modality": "DX"} | dict.fromkeys(
    ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope",
     "RescaleIntercept")
)  # fmt: skip


def dicom() -> bytes:
    dataset = dicom_dataset(
        ramp(96, 96, np.uint16, 4095), **DX,
        PatientName="Zqname^Jane", PatientID="ZQRECORD-1", PatientBirthDate="19310729",
        AccessionNumber="ZQACCESSION1", StudyDescription="Zqstudy of Zqname",
        SeriesDescription="Zqtag series", ReferringPhysicianName="Zqreferrer^Karl",
        PatientAddress="Zqtag street", PatientComments="Zqtag", BodyPartExamined="CHEST",
    )  # fmt: skip
    return dicom_file(dataset)


def png() -> bytes:
    texts = PngInfo()
    texts.add_text("Comment", "Zqexif comment")
    texts.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>Zqexif xmp</x:xmpmeta>")
    exif = Image.Exif()
    exif[0x010E], exif[0x9C9F & 0xFFFF] = "Zqexif description", "Zqexif subject"
    exif[0x013B] = "Zqexif artist"
    sink = io.BytesIO()
    Image.linear_gradient("L").save(sink, "PNG", pnginfo=texts, exif=exif.tobytes(),
                                    icc_profile=b"Zqexif profile" * 10)  # fmt: skip
    return sink.getvalue()


def broken() -> bytes:
    return dicom()[:900]


@dataclass
class Seen:
    """Where the canaries were found: place → words."""

    found: dict[str, set[str]] = field(default_factory=dict)

    def look(self, place: str, text: str | bytes) -> None:
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        data = data.lower()
        for word in WORDS:
            if any(form in data for form in forms(word)):
                self.found.setdefault(place, set()).add(word)

    def look_below(self, folder: Path) -> int:
        files = [path for path in folder.rglob("*") if path.is_file()]
        for path in files:
            self.look(str(path), path.read_bytes())
            self.look(f"the name of {path}", path.name)
        return len(files)


def forms(word: str) -> tuple[bytes, ...]:
    """As it is, and as UTF-16 and hexadecimal would hide it."""
    low = word.lower()
    return low.encode(), low.encode("utf-16-le"), low.encode().hex().encode()


def look_into_the_database(seen: Seen) -> None:
    """Every byte of SQLite's files, or every row of PostgreSQL as text."""
    if connection.vendor == "sqlite":
        name = Path(connection.settings_dict["NAME"])
        for path in (name, name.with_name(name.name + "-wal")):
            if path.exists():
                seen.look(str(path), path.read_bytes())
        return
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT t::text FROM {quoted} t")
            for (row,) in cursor.fetchall():
                seen.look(table, row)


def data_folder() -> Path:
    return Path(settings.DATA_DIR)
