"""MONAI Label's own client against the live server and a real worker with a real model."""

from __future__ import annotations

import hashlib
import io
import time
from urllib.request import urlopen

import nrrd
import numpy as np
import pytest
from nibabel import Nifti1Image

from imaging.formats.png import encode_png
from imaging.models import Image, LabelSession, Run
from imaging.samples import chest_phantom
from tests.imaging.monai_label.calls import real_client, token_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]
MODEL = "xray-lungs-unet"
SLICER = {"result_extension": ".nrrd", "result_dtype": "uint8"}  # what Slicer's module asks for


@pytest.fixture
def slicer(live_server, user, tmp_path):
    module = real_client()
    address = f"{live_server.url}/ml/{token_of(user)}"
    return module.MONAILabelClient(address, tmpdir=str(tmp_path), client_id="user-xyz")


def patiently(ask):
    """Ask again while the server says 503, as a person presses the button again."""
    for _turn in range(20):
        try:
            return ask()
        except Exception as error:
            if "Status: 503" not in str(getattr(error, "msg", "")):
                raise
            time.sleep(2)
    raise AssertionError("the analysis did not end")


def test_a_session_of_slicer_from_info_to_the_label_and_back(slicer, worker, user, tmp_path):
    assert slicer.auth_enabled() is False
    models = slicer.info()["models"]
    assert models[MODEL]["type"] == "segmentation"
    picture = tmp_path / "chest.png"
    picture.write_bytes(encode_png(chest_phantom(256, seed=1), level=1))

    session = slicer.create_session(str(picture))["session_id"]
    found, params = patiently(lambda: slicer.infer(MODEL, "", dict(SLICER), session_id=session))
    mask, header = nrrd.read(found)
    assert (mask.shape, mask.dtype) == ((256, 256, 1), np.uint8)
    assert set(np.unique(mask)) == {0, 1}
    assert params["label_names"] == dict.fromkeys(models[MODEL]["labels"], 1)
    assert header["space"] == "left-posterior-superior"

    again, same = slicer.infer(MODEL, params["image"], dict(SLICER))
    assert same["run"] == params["run"], "the same is taken up, not repeated"
    assert (nrrd.read(again)[0] == mask).all()
    _found, same = slicer.infer(MODEL, "", dict(SLICER), file=str(picture))
    assert (same["run"], Run.objects.count(), Image.objects.count()) == (params["run"], 1, 1)

    objects = slicer.datastore()["objects"]
    assert objects.keys() == {params["image"]}
    label = slicer.download_label(params["image"], "original")
    assert (nrrd.read(label)[0] == mask).all()
    assert slicer.get_session(session)["name"] == session
    slicer.remove_session(session)
    assert not LabelSession.objects.exists()
    assert slicer.train_status(check_if_running=True) is False


def test_the_next_case_is_fetched_as_slicer_fetches_it(slicer, worker, tmp_path):
    """SampleData.downloadFromURL takes a bare address and compares the checksum."""
    picture = tmp_path / "chest.png"
    picture.write_bytes(encode_png(chest_phantom(256, seed=2), level=1))
    patiently(lambda: slicer.infer(MODEL, "", dict(SLICER), file=str(picture)))
    sample = slicer.next_sample("waiting", {})
    content = urlopen(f"{slicer.get_server_url()}/datastore/image?image={sample['id']}").read()
    assert sample["checksum"] == f"SHA256:{hashlib.sha256(content).hexdigest()}"
    volume = Nifti1Image.from_stream(io.BytesIO(content))
    shown = np.asarray(volume.dataobj)[..., 0].T
    assert (shown == chest_phantom(256, seed=2)).all()
