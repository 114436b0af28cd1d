"""Small files made by code, good and bad; each function returns the bytes of one file."""

from __future__ import annotations

import gzip
import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Image
from PIL import Image
from pydicom import dcmwrite, uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO

CR = "1.2.840.10008.5.1.4.1.1.1"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"


def ramp(height: int = 40, width: int = 60, dtype: Any = np.uint8, top: int = 255) -> np.ndarray:
    """Return a picture that is different in every direction."""
    rows, columns = np.mgrid[0:height, 0:width]
    return ((rows * width + columns) * top // (height * width - 1)).astype(dtype)


# --- pictures


def pillow_file(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_file(array: np.ndarray | None = None, **options: Any) -> bytes:
    return pillow_file(Image.fromarray(ramp() if array is None else array), "PNG", **options)


def jpeg_file(**options: Any) -> bytes:
    return pillow_file(Image.fromarray(ramp()), "JPEG", **options)


def tiff_file(array: np.ndarray | None = None, **options: Any) -> bytes:
    return pillow_file(Image.fromarray(ramp() if array is None else array), "TIFF", **options)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_of_zeros(width: int, height: int) -> bytes:
    """Return a 1-bit PNG that is tiny on disk and `width` × `height` when decoded."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", packed)
        + png_chunk(b"IEND", b"")
    )


def png_with_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a good PNG with one more chunk behind its header."""
    plain = png_file()
    return plain[:33] + png_chunk(kind, content) + plain[33:]


def animated_file(kind: str) -> bytes:
    frames = [Image.fromarray(ramp()), Image.fromarray(ramp()[::-1].copy())]
    return pillow_file(frames[0], kind, save_all=True, append_images=frames[1:])


# --- DICOM


def dicom_dataset(array: np.ndarray | None = None, **values: Any) -> Dataset:
    """Return a small CT slice; every keyword can be replaced, or left out with None."""
    array = ramp(dtype=np.int16, top=2000) if array is None else array
    dataset = Dataset()
    defaults: dict[str, Any] = {
        "SOPClassUID": CT,
        "SOPInstanceUID": "1.2.3.4.5",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "PatientID": "P-1",
        "PatientName": "Doe^Jane",
        "Modality": "CT",
        "Rows": array.shape[0],
        "Columns": array.shape[1],
        "SamplesPerPixel": 1 if array.ndim == 2 else 3,
        "PhotometricInterpretation": "MONOCHROME2" if array.ndim == 2 else "RGB",
        "BitsAllocated": 8 * array.dtype.itemsize,
        "BitsStored": 8 * array.dtype.itemsize,
        "HighBit": 8 * array.dtype.itemsize - 1,
        "PixelRepresentation": int(array.dtype.kind == "i"),
        "PixelSpacing": [0.5, 0.25],
        "ImagePositionPatient": [10, 20, 30],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "PixelData": array.tobytes() + b"\x00" * (array.nbytes % 2),
    }
    for keyword, value in (defaults | values).items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def radiograph_dataset(**values: Any) -> Dataset:
    defaults: dict[str, Any] = {"SOPClassUID": DX, "Modality": "DX"}
    for keyword in ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"):
        defaults[keyword] = None
    defaults |= {"RescaleSlope": None, "RescaleIntercept": None}
    return dicom_dataset(ramp(dtype=np.uint16, top=4095), **(defaults | values))


def dicom_file(dataset: Dataset | None = None, syntax: str = uid.ExplicitVRLittleEndian) -> bytes:
    """Return the data set as a DICOM file (Part 10) in the given transfer syntax."""
    dataset = dicom_dataset() if dataset is None else dataset
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.UID(syntax)
    buffer = DicomBytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def dicom_with_frame(frame: bytes, syntax: str, **values: Any) -> bytes:
    """Return a file whose one compressed frame is `frame`, whatever that is."""
    dataset = dicom_dataset(**values)
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return dicom_file(dataset, syntax)


def jpeg_stream(marker: int, precision: int, height: int, width: int) -> bytes:
    """Return a grey JPEG stream in good order; its coded data suffices for 40 × 60 pixels."""
    lossless = marker == 0xC3
    frame = struct.pack(">BHHB3B", precision, height, width, 1, 1, 0x11, 0)
    table = bytes([1, *[0] * 15, 0])  # one code of one bit for the symbol 0
    scan = bytes([1, 1, 0x00, 1, 0, 0] if lossless else [1, 1, 0x00, 0, 63, 0])
    segments = [(marker, frame), (0xC4, b"\x00" + table), (0xC4, b"\x10" + table), (0xDA, scan)]
    joined = b"".join(
        bytes([0xFF, kind]) + struct.pack(">H", len(content) + 2) + content
        for kind, content in segments
    )
    return b"\xff\xd8" + joined + bytes(300) + b"\xff\xd9"


def raw_dicom(body: bytes, syntax: str = uid.ExplicitVRLittleEndian) -> bytes:
    """Return a DICOM file header with any bytes behind it."""
    meta = _short(b"\x02\x00\x10\x00", b"UI", syntax.encode())
    return bytes(128) + b"DICM" + meta + body


def nested_dicom(depth: int) -> bytes:
    """Return a data set of one private sequence inside the other."""
    opened = b"\x09\x00\x10\x10SQ\x00\x00\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closed = b"\xfe\xff\x0d\xe0\x00\x00\x00\x00" + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    return raw_dicom(opened * depth + closed * depth)


def deflated_dicom(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return raw_dicom(packer.compress(body) + packer.flush(), uid.DeflatedExplicitVRLittleEndian)


def _short(tag: bytes, vr: bytes, value: bytes) -> bytes:
    value += b"\x00" * (len(value) % 2)
    return tag + vr + struct.pack("<H", len(value)) + value


# --- NIfTI


def nifti_file(
    array: np.ndarray | None = None, affine: np.ndarray | None = None, *, packed: bool = False
) -> bytes:
    """Return a volume, array (Z, Y, X), affine voxel -> RAS mm."""
    array = ramp(6, 20).reshape(2, 3, 20) if array is None else array
    affine = np.diag([2.0, 3.0, 4.0, 1.0]) if affine is None else affine
    image = Nifti1Image(array.T, affine)
    image.header.set_xyzt_units("mm")
    data = image.to_bytes()
    return gzip.compress(data) if packed else data


def nifti_header(**fields: Any) -> bytes:
    """Return a NIfTI-1 header of a 20 × 3 × 2 volume of uint8 with some fields replaced."""
    head = bytearray(nifti_file())
    places = {"dim": (40, "8h"), "datatype": (70, "h"), "bitpix": (72, "h"), "pixdim": (76, "8f")}
    places |= {"vox_offset": (108, "f"), "scl_slope": (112, "f"), "scl_inter": (116, "f")}
    places |= {"xyzt_units": (123, "B"), "qform_code": (252, "h"), "sform_code": (254, "h")}
    places |= {"srow_x": (280, "4f"), "magic": (344, "4s")}
    for field, value in fields.items():
        offset, form = places[field]
        values = value if isinstance(value, tuple) else (value,)
        struct.pack_into("<" + form, head, offset, *values)
    return bytes(head)
