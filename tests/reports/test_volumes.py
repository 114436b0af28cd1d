"""What leaves of a volume: NIfTI masks in the ZIP, millilitres and sphericity in PDF and CSV."""

import csv
import io
import re
import zipfile

import nibabel
import numpy as np
import pytest
from django.urls import reverse
from PIL import Image as Picture
from pypdf import PdfReader

from imaging.api.bodies_runs import ThresholdBody
from imaging.display import image_planes
from imaging.planes import slice_of
from reports.csv import csv_lines
from reports.pictures import result_pictures
from reports.table import table_rows
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ResultFactory
from tests.imaging.volumes import AXIAL, NIFTI, SHAPE, quantised, two_balls, volume_result
from tests.reports.factories import ExportFactory
from tests.reports.test_exports import made

pytestmark = pytest.mark.django_db
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture
def user():
    return UserFactory()


def ensemble():
    return quantised(sum(two_balls(SHAPE, reach) for reach in (1.08, 0.92)) / 2)


def unzipped(results):
    export = ExportFactory(results=results, items=results, kind="masks")
    return zipfile.ZipFile(io.BytesIO(made(export)))


@pytest.mark.parametrize("affine", [AXIAL, NIFTI], ids=["axial", "nifti"])
def test_a_volumes_mask_is_nifti_on_the_original_affine(user, tmp_path, affine):
    result = volume_result(user, tmp_path, affine=affine)
    archive = unzipped([result])
    (name,) = archive.namelist()
    assert name.endswith(".nii.gz")
    (tmp_path / name).write_bytes(archive.read(name))
    image = nibabel.load(tmp_path / name)
    assert image.get_data_dtype() == np.uint8
    assert ((ensemble() >= 128) == np.asarray(image.dataobj).T).all()
    assert image.affine == pytest.approx(LPS_TO_RAS @ np.array(affine), abs=1e-5)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)


def test_a_mask_without_sides_keeps_its_voxel_size_and_names_no_place(user, tmp_path):
    result = volume_result(user, tmp_path, affine=None)
    archive = unzipped([result])
    (tmp_path / "mask.nii.gz").write_bytes(archive.read(archive.namelist()[0]))
    header = nibabel.load(tmp_path / "mask.nii.gz").header
    assert (header["sform_code"], header["qform_code"]) == (0, 0)
    assert header.get_zooms() == pytest.approx((0.8, 0.8, 2.0))


def test_a_zip_holds_pictures_and_volumes_side_by_side(user, tmp_path):
    results = [ResultFactory(user=user), volume_result(user, tmp_path)]
    endings = [name.split(".", 1)[1] for name in unzipped(results).namelist()]
    assert endings == ["png", "nii.gz"]


def test_the_report_prints_volume_and_sphericity(user, tmp_path):
    result = volume_result(user, tmp_path)
    export = ExportFactory(results=[result], items=[result], kind="pdf")
    (page,) = PdfReader(io.BytesIO(made(export))).pages
    words = " ".join(page.extract_text().split())
    row = result.operating
    assert f"Volume {row['volume_ml']:.2f} ml" in words
    assert f"Sphericity {row['sphericity']:.2f} 0 to 1, a ball is 1" in words
    share = f"of them {row['area_px']} in the foreground of {row['reference_px']}"
    assert f"Voxels {row['area_px'] + row['outside_px']} {share}" in words
    assert "ran in windows of 48 × 48 × 48" in words


def test_a_volume_of_unknown_spacing_says_why_it_has_no_millilitres(user, tmp_path):
    result = volume_result(user, tmp_path, affine=None, spacing=None)
    export = ExportFactory(results=[result], items=[result], kind="pdf")
    words = " ".join(PdfReader(io.BytesIO(made(export))).pages[0].extract_text().split())
    assert "Volume — The places of the slices are not known." in words
    assert " mm" not in words


def test_the_table_has_volume_and_sphericity(user, tmp_path):
    result = volume_result(user, tmp_path)
    lines = b"".join(csv_lines(table_rows([result], notice="n"))).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(lines))
    assert float(row["volume_ml"]) == result.operating["volume_ml"]
    assert float(row["sphericity"]) == result.operating["sphericity"]


def test_the_pictures_show_the_slice_with_most_of_the_finding_as_it_hangs(user, tmp_path):
    result = volume_result(user, tmp_path, affine=NIFTI)
    mask = np.asarray(Picture.open(io.BytesIO(result_pictures(result).mask)))
    index = int((ensemble() >= 128).sum(axis=(1, 2)).argmax())
    wanted = slice_of(ensemble() >= 128, image_planes(result.image)["axial"], index)
    assert (mask == wanted).all()


def test_page_report_table_and_api_count_the_voxels_of_the_volume(client, user, tmp_path):
    result = volume_result(user, tmp_path)
    client.force_login(user)
    row, ml_of_a_voxel = result.operating, 2.0 * 0.8 * 0.8 / 1000
    voxels = round(row["volume_ml"] / ml_of_a_voxel)
    assert voxels == row["area_px"] + row["outside_px"] > row["area_px"] > 0
    page = client.get(reverse("imaging:result-detail", args=[result.pk])).content.decode()
    for name, shown in {"mask_px": voxels, "area_px": row["area_px"]}.items():
        assert re.search(rf'data-m="{name}">([\d,]+)<', page)[1].replace(",", "") == str(shown)
    assert "<b>CT</b>" in page
    lines = b"".join(csv_lines(table_rows([result], notice="n"))).decode("utf-8-sig")
    (cells,) = csv.DictReader(io.StringIO(lines))
    assert (cells["mask_px"], cells["counted_in"]) == (str(voxels), "voxels")
    export = ExportFactory(results=[result], items=[result], kind="pdf")
    text = " ".join(PdfReader(io.BytesIO(made(export))).pages[0].extract_text().split())
    assert f"Voxels {voxels} of them {row['area_px']} in the foreground" in text
    assert "CT, 56 × 40 × 12 voxels" in text
    numbers = {one.name: one for one in result.measurements.filter(scope="image")}
    assert (numbers["mask_px"].value, numbers["mask_px"].unit) == (voxels, "voxels")
    (at_saved,) = (
        one for one in ThresholdBody(result.table, many=True).data if one["t"] == result.threshold
    )
    assert (at_saved["mask_px"], at_saved["volume_ml"]) == (voxels, row["volume_ml"])
