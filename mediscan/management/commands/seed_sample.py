"""Drawn pictures through the real upload, the real queue and the real ensembles."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import CommandError

from accounts.commands import HouseCommand
from accounts.models import User
from accounts.selectors import home_organisation
from imaging.formats.png import encode_png
from imaging.models import Ensemble, Image, Run, Study, Upload
from imaging.samples import chest_phantom
from imaging.samples_volumes import (
    brain_phantom,
    chest_ct_phantom,
    hippocampus_phantom,
    nifti_bytes,
)
from imaging.services.refusals import NotPossible
from imaging.services.runs import MemberChoice, run_submit
from imaging.services.uploads import upload_receive


@dataclass(frozen=True, slots=True)
class Sample:
    """One drawn study: its file, what it shows, and the ensembles that read it."""

    name: str
    shows: str
    modality: str
    content: Callable[[], bytes]
    ensembles: tuple[str, ...]


FIRST = Sample(
    "sample-chest-phantom (drawn, no patient).png",
    "a chest X-ray drawn by code",
    "xray",
    lambda: encode_png(chest_phantom()),
    ("xray-lungs",),
)
OTHERS = (
    Sample(
        "sample-brain-phantom (drawn, no patient).png",
        "a brain MRI slice",
        "mri",
        lambda: encode_png(brain_phantom()),
        ("mri-brain-tumour", "mri-brain-tumour-detector"),
    ),
    Sample(
        "sample-hippocampus-phantom (drawn, no patient).nii.gz",
        "a 3-D MRI crop",
        "mri",
        lambda: nifti_bytes(hippocampus_phantom(), 1.0),
        ("mri-hippocampus",),
    ),
    Sample(
        "sample-chest-ct-phantom (drawn, no patient).nii.gz",
        "a chest CT",
        "ct",
        lambda: nifti_bytes(chest_ct_phantom(), 3.0),
        ("ct-lungs",),
    ),
)
FIRST_AGAIN = ("xray-tuberculosis",)  # reads the first sample too, after the site is there


class Command(HouseCommand):
    help = "Analyse a drawn chest phantom, leave others to the worker; only if there is no study."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--timeout", type=int, default=240, help="seconds (default 240)")

    def handle(self, *, timeout: int, **options) -> None:
        if Study.objects.exists():
            return
        user = User.objects.filter(is_superuser=True).order_by("date_joined").first()
        ensemble = _ensemble(FIRST.ensembles[0])
        if user is None or ensemble is None:
            raise CommandError(f"There is no administrator, or no ensemble “{FIRST.ensembles[0]}”.")
        deadline = time.monotonic() + timeout
        self.stdout.write(f"Analysing the sample: {FIRST.shows} …")
        image = _upload(user, FIRST, deadline)
        run = _run(user, image, ensemble)
        _wait(lambda: not run.jobs.live().exists(), deadline)
        job = run.jobs.get()
        self.stdout.write(f"Sample analysed: {job.status}. {job.error}".strip())
        self._leave_others_to_the_worker(user, image, deadline)

    def _leave_others_to_the_worker(self, user: User, chest: Image, deadline: float) -> None:
        """Take the other pictures in, then ask for every run at once and wait for none."""
        taken = [(FIRST.shows, chest, FIRST_AGAIN)]
        for sample in OTHERS:
            if not any(map(_ensemble, sample.ensembles)):
                continue
            try:
                image = _upload(user, sample, deadline)
            except CommandError as error:  # the first sample stands; the site starts without this
                self.stderr.write(self.style.WARNING(str(error)))
            else:
                taken.append((sample.shows, image, sample.ensembles))
        shown = [shows for shows, image, names in taken if self._submit(user, image, names)]
        if shown:
            self.stdout.write(f"The worker goes on with {', '.join(shown)}.")

    def _submit(self, user: User, image: Image, ensembles: tuple[str, ...]) -> int:
        """Ask for a run of each ensemble that there is; give how many were taken."""
        taken = 0
        for ensemble in filter(None, map(_ensemble, ensembles)):
            try:
                _run(user, image, ensemble)
                taken += 1
            except NotPossible as error:
                self.stderr.write(self.style.WARNING(f"No sample of “{ensemble.name}”: {error}"))
        return taken


def _ensemble(name: str) -> Ensemble | None:
    return Ensemble.objects.filter(organisation=None, name=name).first()


def _upload(user: User, sample: Sample, deadline: float) -> Image:
    kind = "image/png" if sample.name.endswith(".png") else "application/gzip"
    picture = SimpleUploadedFile(sample.name, sample.content(), kind)
    upload = upload_receive(
        user=user,
        organisation=home_organisation(user),
        files=[picture],
        modality=sample.modality,
    )
    _wait(lambda: Upload.objects.get(pk=upload.pk).finished_at, deadline)
    item = upload.items.get()
    if item.image is None:
        raise CommandError(f"The sample {sample.name} was not accepted: {item.reason}")
    return item.image


def _run(user: User, image: Image, ensemble: Ensemble) -> Run:
    members = [
        MemberChoice(one.model_version, one.weight, one.device)
        for one in ensemble.members.select_related("model_version")
    ]
    return run_submit(
        user=user,
        images=[image],
        members=members,
        threshold=ensemble.threshold,
        ensemble=ensemble,
    )


def _wait(done: Callable[[], object], deadline: float) -> None:
    while not done():
        if time.monotonic() > deadline:
            raise CommandError("The worker did not finish the sample in time; its log says why.")
        time.sleep(0.3)
