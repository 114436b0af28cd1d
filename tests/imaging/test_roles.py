"""What a role may not do on the pages, and where a role counts."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.roles import AUDITOR, TECHNICIAN
from imaging.formats.png import encode_png
from imaging.models import Ensemble, Run, Upload
from tests.accounts.factories import MembershipFactory, UserFactory
from tests.imaging.factories import ImageFactory, ModelVersionFactory, ramp

pytestmark = pytest.mark.django_db


def run_fields(image, model, **more) -> dict:
    return {"image": image.pk, "member": model.pk, "threshold": "0.5", **more}


def test_a_technician_runs_models_and_saves_no_ensemble(client, queued):
    technician = UserFactory(role=TECHNICIAN)
    client.force_login(technician)
    image, model = ImageFactory(user=technician), ModelVersionFactory()
    address = reverse("imaging:run-create")
    refused = client.post(address, run_fields(image, model, save_as="mine"))
    assert refused.status_code == 422
    assert "needs the role Radiologist" in refused.content.decode()
    assert not Ensemble.objects.exists()
    assert not Run.objects.exists()
    assert client.post(address, run_fields(image, model)).status_code == 302


def test_an_upload_goes_to_the_house_where_its_sender_may_upload(client, queued):
    there = MembershipFactory(role=AUDITOR)
    home = MembershipFactory(user=there.user)
    client.force_login(there.user)
    picture = SimpleUploadedFile("a.png", encode_png(ramp()[0]))
    client.post(reverse("imaging:upload-create"), {"files": [picture], "modality": "xray"})
    assert Upload.objects.get().organisation == home.organisation


def test_an_auditors_house_lends_no_image_to_a_run(client, queued):
    there = MembershipFactory(role=AUDITOR)
    MembershipFactory(user=there.user)
    client.force_login(there.user)
    image = ImageFactory(user=UserFactory(organisation=there.organisation))
    page = client.get(reverse("imaging:run-create"), {"image": image.pk})
    assert "Choose images first" in page.content.decode()
