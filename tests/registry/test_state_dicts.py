"""A classifier saved as numbers alone comes in by its file and a form that is filled in."""

from __future__ import annotations

import io
import json

import monai.networks.nets
import numpy as np
import pytest
import torch
from django.urls import reverse

from imaging import tasks
from imaging.inference.cache import ModelCache
from imaging.inference.spec import MemberSpec
from imaging.models import ModelUpload
from imaging.registry.store import folder_of
from tests.accounts.factories import UserFactory
from tests.registry.sent import places, weight_file
from tests.registry.test_pages import ADD, ANSWERS, page, there

pytestmark = pytest.mark.django_db
__all__ = ["places"]

FILE = "lung_disease_classifier.pth"
LABELS = ["healthy", "pneumonia", "tuberculosis"]
SIDE = 64
NETWORKS = {
    "DenseNet": {"spatial_dims": 2, "in_channels": 1, "out_channels": 3, "init_features": 8,
                 "growth_rate": 4, "block_config": [2, 2], "bn_size": 2},
    "ResNet": {"block": "basic", "layers": [1, 1, 1, 1], "block_inplanes": [4, 8, 16, 32],
               "spatial_dims": 2, "n_input_channels": 1, "num_classes": 3},
}  # fmt: skip


def trained(name: str) -> torch.nn.Module:
    torch.manual_seed(4)
    return getattr(monai.networks.nets, name)(**NETWORKS[name]).eval()


def plain(net: torch.nn.Module):
    return net.state_dict()


def wrapped(net: torch.nn.Module):
    """As a training on several cards keeps it, beside what only the training needs."""
    state = {f"module.{key}": value for key, value in net.state_dict().items()}
    return {"epoch": 7, "state_dict": state, "optimizer": {"lr": 1e-4}}


def turned(net: torch.nn.Module):
    """The order of the dictionary is not the network's, as after a way through safetensors."""
    return dict(list(net.state_dict().items())[::-1])


def sent(client, content, file: str = FILE) -> ModelUpload:
    sink = io.BytesIO()
    torch.save(content, sink)
    client.post(reverse(ADD), {"file": weight_file(sink.getvalue(), file)})
    upload = ModelUpload.objects.get()
    tasks.take_model(str(upload.pk))
    return upload


def described(client, upload: ModelUpload, name: str, **more) -> ModelUpload:
    network = {"_target_": f"monai.networks.nets.{name}", **NETWORKS[name]}
    client.post(there(upload), ANSWERS | {
        "name": "lung_disease_classifier", "type": "classification", "labels": "\n".join(LABELS),
        "size": f"{SIDE} × {SIDE}", "activation": "softmax", "network": json.dumps(network),
    } | more)  # fmt: skip
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    return upload


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kept", [plain, wrapped, turned])
def test_it_is_described_checked_and_answers_as_the_network_did(
    client, verified_client, places, queued, name, kept
):
    verified_client(UserFactory(role="administrator"))
    net = trained(name)
    upload = sent(client, kept(net))
    initial = client.get(there(upload)).context["form"].initial
    assert (initial["name"], initial["type"]) == ("lung_disease_classifier", "classification")
    assert initial["labels"] == "finding 1\nfinding 2\nfinding 3"
    upload = described(client, upload, name)
    assert (upload.status, upload.error) == ("succeeded", "")
    model = upload.model_version
    assert (model.state, model.framework, model.labels) == ("checked", "pytorch", LABELS)
    assert "A state dict; its tensors were copied one by one." in model.facts["notes"]
    assert all(label in page(client, model) for label in LABELS)
    models = ModelCache(places / "models", store=places / "store")
    member = MemberSpec(model.name, model.version, sha256=model.sha256)
    predictor = models.get(member, "cpu").predictor
    x = np.random.default_rng(0).random((2, 1, SIDE, SIDE), dtype=np.float32)
    with torch.no_grad():
        assert predictor.predict(x) == pytest.approx(net(torch.from_numpy(x)).numpy(), abs=1e-5)
    assert folder_of(model).joinpath("model.safetensors").is_file()


@pytest.mark.parametrize("file", ["weights", "weights.bin", "weights.safetensors", "weights.h5"])
def test_what_a_file_is_its_content_says(client, verified_client, places, queued, file):
    verified_client(UserFactory(role="administrator"))
    upload = described(client, sent(client, plain(trained("DenseNet")), file), "DenseNet")
    assert (upload.status, upload.error) == ("succeeded", "")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"labels": "healthy\ntuberculosis"}, "2 names, but the network returns 3 channel"),
        ({"network": '{"_target_": "monai.networks.nets.DenseNet121", "spatial_dims": 2,'
                     ' "in_channels": 1, "out_channels": 3}'}, "tensors missing"),
        ({"network": '{"_target_": "os.system", "command": "id"}'}, "os.system"),
    ],
)  # fmt: skip
def test_a_wrong_description_is_refused_and_asked_again(
    client, verified_client, places, queued, more, said
):
    verified_client(UserFactory(role="administrator"))
    upload = described(client, sent(client, plain(trained("DenseNet"))), "DenseNet", **more)
    assert upload.status == "asking"
    assert said in upload.error
    assert described(client, upload, "DenseNet").status == "succeeded"
