"""What a house needs before it can be measured: tables, models, a person, pictures."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from accounts.models import Membership, Organisation, Plan, User
from accounts.selectors import home_organisation
from bench.inside import EMAIL, PASSWORD
from bench.pictures import pictures
from imaging.models import Ensemble, Image, Run
from imaging.services.runs import MemberChoice, run_submit
from imaging.services.uploads import upload_ingest, upload_receive

ENSEMBLE = "xray-lungs"
AT_ONCE = 50


def furnish(images: int) -> dict:
    """Migrate, register the models, make a radiologist, take in `images` pictures of 1,024 px."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("sync_models", verbosity=0)
    user = person()
    chosen = pictures(images)
    for start in range(0, images, AT_ONCE):
        _take_in(user, chosen.files[start : start + AT_ONCE], start)
    if Image.objects.count() != images:
        raise RuntimeError(f"{Image.objects.count()} of {images} pictures were taken in")
    return {"data": chosen.origin, "data_sha256": chosen.sha256, "images": images}


def person() -> User:
    """Make a radiologist whose organisation's plan has no limits."""
    from allauth.account.models import EmailAddress

    user = User.objects.create_user(EMAIL, PASSWORD, name="Bench")
    EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    plan = Plan.objects.create(name="No limits", slug="bench")
    organisation = Organisation.objects.create(name="Bench", plan=plan)
    Membership.objects.create(user=user, organisation=organisation, role="radiologist")
    return user


def run_of(images: list[Image]) -> Run:
    """Submit a run of the default ensemble over `images`, as the run page does."""
    user = User.objects.get(email=EMAIL)
    ensemble = Ensemble.objects.get(organisation=None, name=ENSEMBLE)
    members = [
        MemberChoice(one.model_version, one.weight, one.device)
        for one in ensemble.members.select_related("model_version")
    ]
    return run_submit(
        user=user,
        images=images,
        members=members,
        threshold=ensemble.threshold,
        ensemble=ensemble,
    )


def _take_in(user: User, files: list[bytes], start: int) -> None:
    uploads = [
        SimpleUploadedFile(f"bench-{start + number:04d}.png", data, "image/png")
        for number, data in enumerate(files)
    ]
    upload = upload_receive(
        user=user, organisation=home_organisation(user), files=uploads, modality="xray"
    )
    upload_ingest(str(upload.pk))
