"""One drawn picture through the real upload, the real queue and the real ensemble."""

from __future__ import annotations

import time

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.selectors import home_organisation
from imaging.formats.png import encode_png
from imaging.models import Ensemble, Job, Run, Study, Upload
from imaging.samples import chest_phantom
from imaging.services.runs import MemberChoice, run_submit
from imaging.services.uploads import upload_receive

NAME = "sample-chest-phantom (drawn, no patient).png"
ENSEMBLE = "xray-lungs"


class Command(BaseCommand):
    help = "Analyse a drawn chest phantom through the queue, if nothing was uploaded yet."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--timeout", type=int, default=240, help="seconds (default 240)")

    def handle(self, *, timeout: int, **options) -> None:
        if Study.objects.exists():
            return
        user = User.objects.filter(is_superuser=True).order_by("date_joined").first()
        ensemble = Ensemble.objects.filter(organisation=None, name=ENSEMBLE).first()
        if user is None or ensemble is None:
            raise CommandError(f"There is no administrator, or no ensemble “{ENSEMBLE}”.")
        deadline = time.monotonic() + timeout
        self.stdout.write("Analysing the sample: a chest X-ray drawn by code …")
        image = self._upload(user, deadline)
        job = self._run(user, image, ensemble, deadline)
        self.stdout.write(f"Sample analysed: {job.status}. {job.error}".strip())

    def _upload(self, user, deadline: float):
        picture = SimpleUploadedFile(NAME, encode_png(chest_phantom()), "image/png")
        upload = upload_receive(
            user=user, organisation=home_organisation(user), files=[picture], modality="xray"
        )
        _wait(lambda: Upload.objects.get(pk=upload.pk).finished_at, deadline)
        item = upload.items.get()
        if item.image is None:
            raise CommandError(f"The sample was not accepted: {item.reason}")
        return item.image

    def _run(self, user, image, ensemble: Ensemble, deadline: float) -> Job:
        members = [
            MemberChoice(one.model_version, one.weight, one.device)
            for one in ensemble.members.select_related("model_version")
        ]
        run: Run = run_submit(
            user=user,
            images=[image],
            members=members,
            threshold=ensemble.threshold,
            ensemble=ensemble,
        )
        _wait(lambda: not run.jobs.live().exists(), deadline)
        return run.jobs.get()


def _wait(done, deadline: float) -> None:
    while not done():
        if time.monotonic() > deadline:
            raise CommandError("The worker did not finish the sample in time; its log says why.")
        time.sleep(0.3)
