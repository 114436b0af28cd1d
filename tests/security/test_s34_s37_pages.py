"""S34 to S37 through the admin's pages: each hostile model is sent, and its page says why not."""

from __future__ import annotations

import html
import io
import json
import zipfile
from collections.abc import Callable

import pytest
from django.urls import reverse
from onnx import helper

from imaging import tasks
from imaging.models import ModelState, ModelUpload, ModelVersion
from imaging.registry import models_sync
from imaging.registry.approvals import model_approve
from imaging.registry.store import folder_of, store_root
from imaging.registry.taking import Sent, model_take
from tests.accounts.factories import UserFactory
from tests.inference.factories import identity_onnx, metadata_json
from tests.registry.sent import places, sent_folder, weight_file
from tests.security import hostile_models as hostile
from tests.security import test_s35_pickles as s35
from tests.security import test_s36_keras as s36
from tests.security import test_s37_onnx as s37

pytestmark = pytest.mark.django_db
__all__ = ["places"]


@pytest.fixture
def send(client, verified_client, places, queued) -> Callable[[bytes, str], str]:
    """Return a function that sends a file as an administrator and reads its upload's page."""
    verified_client(UserFactory(role="administrator"))

    def go(data: bytes, name: str) -> str:
        answer = client.post(reverse("admin:imaging_modelversion_add"),
                             {"file": weight_file(data, name)})  # fmt: skip
        if answer.status_code == 422:
            return html.unescape(answer.content.decode())  # said at once, nothing was kept
        upload = ModelUpload.objects.latest("created_at")
        tasks.take_model(str(upload.pk))
        upload.refresh_from_db()
        assert (upload.status, upload.told) == ("failed", None), (name, upload.error)
        page = client.get(reverse("admin:imaging_modelupload_change", args=[upload.pk]))
        text = html.unescape(page.content.decode())
        assert "Nothing was kept." in text
        assert upload.error in text
        return text

    yield go
    assert not ModelVersion.objects.exists()
    assert [one.name for one in store_root().rglob("*")] in ([], [".incoming"])


@pytest.fixture
def canary(tmp_path):
    """A file that every payload would make."""
    yield tmp_path / "canary"
    assert not (tmp_path / "canary").exists()


def zipped(files: dict[str, bytes], **changes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("mine/metadata.json", json.dumps(metadata_json("mine", **changes)))
        for name, data in files.items():
            archive.writestr(f"mine/{name}", data)
    return sink.getvalue()


S34 = {
    "flipped byte": (zipped({"model.onnx": identity_onnx()}, sha256={"model.onnx": "0" * 64}),
                     "sha256 says 0000"),
    "unknown key": (zipped({"model.onnx": identity_onnx()}, run_me="yes"), "unknown key run_me"),
    "no file": (zipped({}), "exactly one model file is needed"),
    "two files": (zipped({"model.onnx": identity_onnx(), "model.pt": b""}), "model.onnx, model.pt"),
    "code beside it": (zipped({"model.onnx": identity_onnx(), "run.py": b"1"}),
                       "has no place in a model folder"),
    "a path out of it": (zipped({"../model.onnx": identity_onnx()}), "has no place"),
}  # fmt: skip


@pytest.mark.parametrize("case", S34)
def test_s34_a_folder_that_is_not_what_it_says(send, case):
    data, said = S34[case]
    assert said in send(data, "mine.zip")


def test_s34_what_was_changed_in_the_store_says_so_on_its_page_and_the_others_serve(
    client, verified_client, places
):
    changed = {"flipped": flip, "swapped": swap, "unknown": forget, "unsigned": unsign,
               "forged": forge}  # fmt: skip
    models = {name: served(places, name) for name in (*changed, "good")}
    for name, change in changed.items():
        change(models[name])
    models_sync()
    verified_client(UserFactory(role="administrator"))
    for name, model in models.items():
        model.refresh_from_db()
        text = client.get(model.get_absolute_url()).content.decode()
        wanted = ModelState.ACTIVE if name == "good" else ModelState.QUARANTINED
        assert model.state == wanted, name
        assert bool(model.problem) == (name != "good")
        assert model.problem in html.unescape(text)


def served(places, name: str) -> ModelVersion:
    model = model_take(Sent(sent_folder(places, name)))
    model_approve(user=UserFactory(), model=model, kind="clinical")
    return model_approve(user=UserFactory(role="administrator"), model=model, kind="technical")


def written(model: ModelVersion, file: str, data: bytes) -> None:
    path = folder_of(model) / file
    path.chmod(0o600)
    path.write_bytes(data)


def flip(model: ModelVersion) -> None:
    data = bytearray((folder_of(model) / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    written(model, "model.onnx", bytes(data))


def swap(model: ModelVersion) -> None:
    written(model, "model.onnx", identity_onnx(out=2))


def forget(model: ModelVersion) -> None:
    (folder_of(model) / "metadata.json").unlink()


def unsign(model: ModelVersion) -> None:
    ModelVersion.objects.filter(pk=model.pk).update(signature="")


def forge(model: ModelVersion) -> None:
    """All of the files and of the row, by somebody who lacks the key."""
    other = json.loads((folder_of(model) / "metadata.json").read_text()) | {"threshold": 0.9}
    written(model, "metadata.json", json.dumps(other).encode())
    ModelVersion.objects.filter(pk=model.pk).update(metadata=other, threshold=0.9)


def test_s35_every_call_of_every_known_payload(send, canary):
    for module, name in s35.CALLS:
        data = hostile.by_global(module, name, s35.payload(canary, module, name))
        said = send(hostile.torch_zip(data), "net.pt")
        assert f".{name.rpartition('.')[2]}`, which is not allowed. Nothing was run." in said
    assert ModelUpload.objects.filter(status="failed").count() == len(s35.CALLS) >= 100


@pytest.mark.parametrize("wrap", [hostile.torch_zip, hostile.legacy, bytes])
@pytest.mark.parametrize("shape", s35.SHAPES)
def test_s35_every_way_of_calling_in_every_file_format(send, canary, shape, wrap):
    for module, name in (("posix", "system"), ("builtins", "eval"), ("builtins", "exec")):
        data = wrap(s35.SHAPES[shape](module, name, s35.payload(canary, module, name)))
        for file in ("net.pt", "net.pth"):
            assert "Nothing was run" in send(data, file)
        said = send(data, "net.safetensors")  # protocol 0 has no mark: then it is no model at all
        assert "Nothing was run" in said or "no model file that is known here" in said


@pytest.mark.parametrize("kind", s36.LAYERS)
def test_s36_a_layer_with_code_or_of_somebodys_own(send, kind):
    said = send(hostile.keras_config(s36.LAYERS[kind]), "net.keras")
    assert any(word in said for word in ("Layer `", "Activation `", "carries", "object"))


@pytest.mark.parametrize(
    "change",
    [s36.external_link, s36.soft_link, s36.virtual, s36.external_storage, s36.texts,
     s36.reference, s36.bomb, s36.deep],
)  # fmt: skip
def test_s36_an_array_from_elsewhere(send, tmp_path, change):
    data, place = s36.good_h5(tmp_path)
    assert "net.h5" in send(s36.changed(data, place, change), "net.h5")


S37 = {
    "up": (s37.model([s37.CONV], [s37.external("../secret.bin")]), "another file. Save as one"),
    "root": (s37.model([s37.CONV], [s37.external("/etc/passwd")]), "another file. Save as one"),
    "huge": (s37.model([s37.CONV], [s37.external("w", offset="0", length=str(1 << 60))]),
             "another file. Save as one"),
    "nowhere": (s37.model([s37.CONV], [s37.external("")]), "another file. Save as one"),
    "domain": (s37.model([helper.make_node("Run", ["x"], ["y"], domain="com.example")],
                         domains=["com.example"]), "custom operator com.example.Run"),
    "operator": (s37.model([helper.make_node("System", ["x"], ["y"])]), "not valid ONNX"),
    "open": (s37.model([helper.make_node("Relu", ["nowhere"], ["y"])]), "not valid ONNX"),
}  # fmt: skip


@pytest.mark.parametrize("case", S37)
def test_s37_an_onnx_file_that_is_not_one_file_of_standard_operators(send, case):
    made, said = S37[case]
    assert said in send(made.SerializeToString(), "net.onnx")


@pytest.mark.parametrize("data", [b"\x80", b"hello", b"\x0a\xff\xff\xff\xff\x0f", b"PK\x03\x04x"])
@pytest.mark.parametrize("file", ["net.onnx", "net.pt", "net.keras", "net.h5", "net.safetensors",
                                  "net.zip", "net"])  # fmt: skip
def test_what_is_no_model_at_all_is_a_sentence_too(send, data, file):
    assert send(data, file)


def test_an_empty_file_is_refused_before_it_is_kept(send):
    assert "empty" in send(b"", "net.pt")
    assert not ModelUpload.objects.exists()
