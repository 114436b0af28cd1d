"""Sending in pieces: each by place and hash, once, by its sender alone, and on after a break."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, Blob
from accounts.selectors import home_organisation
from accounts.vault.storage import blob_open
from imaging.models import ItemStatus, Upload, UploadItem, UploadPart
from imaging.services import parcels, pieces
from imaging.services.ingest import uploads_recover
from imaging.services.joining import item_join
from imaging.services.parcels import MOST_OPEN, Coming, upload_close, upload_open, uploads_expire
from imaging.services.refusals import NotPossible
from imaging.types import Refused
from tests.accounts.factories import MembershipFactory, StrangerFactory, UserFactory
from tests.formats.factories import nifti_file, ramp
from tests.imaging.factories import THUMBNAIL, ImageFactory

pytestmark = pytest.mark.django_db
PNG = THUMBNAIL
PART = 1000


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    for module in ("imaging.services.pieces", "imaging.forms_sending", "imaging.sending"):
        monkeypatch.setattr(f"{module}.PART_BYTES", PART)


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def large() -> bytes:
    return nifti_file(ramp(40, 100).reshape(8, 25, 20))


def mark(data: bytes, name: str = "") -> str:
    return hashlib.sha256(name.encode() + data).hexdigest()


def begin(client, files: dict[str, bytes], **choice):
    rows = [
        {"name": name, "size": len(data), "fingerprint": mark(data, name)}
        for name, data in files.items()
    ]
    form = {"modality": "ct", "list": json.dumps(rows)} | choice
    return client.post(reverse("imaging:upload-open"), form)


def send(client, address: str, item: str, data: bytes, offset=0, sha256="", more=()):
    row = {"item": item, "offset": offset, "sha256": sha256 or mark(data)} | dict(more)
    form = {"list": json.dumps([row]), "pieces": [SimpleUploadedFile("x", data)]}
    return client.post(address, form)


def split(data: bytes) -> list[tuple[int, bytes]]:
    return [(start, data[start : start + PART]) for start in range(0, len(data), PART)]


@pytest.fixture
def opened(client, user, large):
    """A large file of which nothing has come."""
    client.force_login(user)
    answer = begin(client, {"a.nii": large}).json()
    return answer["pieces"], answer["files"][0]["item"]


def sent(client, opened, large, *, upto: int) -> None:
    for offset, data in split(large)[:upto]:
        assert send(client, *opened, data, offset).status_code == 200


def test_a_large_file_arrives_in_pieces_and_is_joined_by_the_worker(client, opened, large, queued):
    sent(client, opened, large, upto=99)
    item = UploadItem.objects.get()
    assert (item.status, item.kind, item.received) == ("waiting", "parts", len(large))
    upload = item.upload
    assert upload_close(upload)
    assert queued == [("imaging.tasks.ingest_upload", str(upload.pk))]
    item_join(upload.items.get(), lambda: None)
    item.refresh_from_db()
    assert blob_open(item.blob).read() == large
    assert (item.kind, item.status) == ("nifti", "waiting")
    assert not UploadPart.objects.exists()
    assert list(Blob.objects.values_list("kind", flat=True)) == ["source"]


def test_small_files_come_many_in_one_request(client, user):
    client.force_login(user)
    files = {f"{n}.png": PNG + bytes([n]) for n in range(3)}
    answer = begin(client, files).json()
    rows = [
        {"item": file["item"], "offset": 0, "sha256": mark(data)}
        for file, data in zip(answer["files"], files.values(), strict=True)
    ]
    form = {
        "list": json.dumps(rows),
        "pieces": [SimpleUploadedFile("x", d) for d in files.values()],
    }
    told = client.post(answer["pieces"], form).json()["files"]
    assert [one["status"] for one in told] == ["waiting"] * 3
    assert not UploadPart.objects.exists()


def test_a_piece_sent_again_changes_nothing(client, opened, large):
    sent(client, opened, large, upto=2)
    answer = send(client, *opened, *reversed(split(large)[0]))
    assert answer.status_code == 200
    assert answer.json()["files"][0]["received"] == 2 * PART
    assert UploadPart.objects.count() == Blob.objects.count() == 2


def test_other_bytes_at_a_place_that_is_filled_are_not_taken(client, opened, large):
    sent(client, opened, large, upto=2)
    answer = send(client, *opened, bytes(PART), 0)
    assert answer.status_code == 409
    assert Blob.objects.count() == 2


@pytest.mark.parametrize("offset", [PART, 3 * PART, 7, 10**15])
def test_a_piece_at_the_wrong_place_is_told_the_right_one(client, opened, large, offset):
    answer = send(client, *opened, large[:PART], offset)
    assert answer.status_code == 409
    told = answer.json()["files"][0]
    assert (told["fault"], told["received"]) == ("offset", 0)
    assert not Blob.objects.exists()


@pytest.mark.parametrize("size", [0, 1, PART - 1])
def test_a_piece_of_another_size_is_not_taken(client, opened, large, size):
    assert send(client, *opened, large[:size]).status_code == 409
    assert not Blob.objects.exists()


def test_a_piece_that_was_damaged_on_the_way_is_not_taken(client, opened, large):
    answer = send(client, *opened, large[:PART], sha256=mark(b"other"))
    assert answer.status_code == 409
    assert answer.json()["files"][0]["fault"] == "sha256"
    assert not Blob.objects.exists()


def test_two_tabs_that_send_the_same_piece_keep_one(client, opened, large, monkeypatch):
    """The other tab is between our look at the row and our writing."""
    item = UploadItem.objects.get()
    piece = SimpleUploadedFile("x", large[:PART])
    taken = pieces.Piece(item.pk, 0, mark(large[:PART]), piece, PART)
    staged = pieces._staged

    def slow(*args):
        monkeypatch.setattr(pieces, "_staged", staged)
        assert pieces.pieces_take(Upload.objects.get(), [taken])[0][1] == ""
        return staged(*args)

    monkeypatch.setattr(pieces, "_staged", slow)
    answer = send(client, *opened, large[:PART])
    assert answer.status_code == 409
    assert answer.json()["files"][0]["received"] == PART
    assert Blob.objects.count() == UploadPart.objects.count() == 1


def test_after_a_break_the_same_files_go_on_and_others_join(client, opened, large):
    sent(client, opened, large, upto=2)
    answer = begin(client, {"b.png": PNG, "a.nii": large}).json()
    assert answer["pieces"] == opened[0]
    assert [file["received"] for file in answer["files"]] == [0, 2 * PART]
    assert answer["files"][1]["item"] == opened[1]
    assert [item.name for item in Upload.objects.get().items.all()] == ["a.nii", "b.png"]


def test_two_equal_files_are_two_and_other_choices_are_another_upload(client, user, large):
    client.force_login(user)
    same = [{"name": "a", "size": len(large), "fingerprint": mark(large)}] * 2
    for _ in range(2):
        form = {"modality": "ct", "list": json.dumps(same)}
        client.post(reverse("imaging:upload-open"), form)
    assert UploadItem.objects.count() == 2
    begin(client, {"a.nii": large}, modality="mri")
    assert Upload.objects.count() == 2


def test_what_the_first_piece_proves_wrong_is_not_sent_to_the_end(client, user):
    client.force_login(user)
    answer = begin(client, {"a.nii": b"words " * 1000}).json()
    item = answer["files"][0]["item"]
    told = send(client, answer["pieces"], item, (b"words " * 1000)[:PART]).json()["files"][0]
    assert told["status"] == "refused"
    assert "a.nii" in told["words"]
    assert not Blob.objects.exists()
    assert AuditEvent.objects.filter(action="upload.refuse").count() == 1


def test_a_known_file_is_not_stored_twice_unless_it_is_asked_for(client, user):
    client.force_login(user)
    image = ImageFactory(user=user, modality="ct", source__sha256=mark(PNG))
    for keep, status in (("", "duplicate"), ("on", "waiting")):
        answer = begin(client, {"a.png": PNG}, keep_known=keep).json()
        told = send(client, answer["pieces"], answer["files"][0]["item"], PNG).json()["files"][0]
        assert told["status"] == status
    assert UploadItem.objects.get(status="duplicate").image == image


def test_the_storage_of_the_plan_bounds_pieces_too(client, opened, large):
    plan = Upload.objects.get().organisation.plan
    plan.storage_bytes = len(large) - 1
    plan.save()
    told = send(client, *opened, large[:PART]).json()["files"][0]
    assert told["status"] == "refused"
    assert plan.name in told["words"]
    assert "administrator" in told["words"]


def test_a_file_that_just_fits_is_joined_though_it_lies_there_twice_meanwhile(
    client, opened, large
):
    plan = Upload.objects.get().organisation.plan
    plan.storage_bytes = len(large)
    plan.save()
    sent(client, opened, large, upto=99)
    item_join(Upload.objects.get().items.get(), lambda: None)
    assert blob_open(UploadItem.objects.get().blob).read() == large


def test_a_file_with_a_piece_missing_is_refused(client, opened, large):
    sent(client, opened, large, upto=99)
    UploadPart.objects.filter(offset=PART).delete()
    with pytest.raises(Refused, match="Not all"):
        item_join(UploadItem.objects.get(), lambda: None)


def test_closing_refuses_half_a_file_and_reads_the_rest(client, opened, large, queued):
    sent(client, opened, large, upto=1)
    answer = begin(client, {"a.nii": large, "b.png": PNG}).json()
    send(client, opened[0], answer["files"][1]["item"], PNG)
    assert client.post(answer["close"]).status_code == 302
    half, whole = Upload.objects.get().items.all()
    assert (half.status, half.code) == ("refused", "interrupted")
    assert whole.status == "waiting"
    assert len(queued) == 1
    assert list(Blob.objects.values_list("kind", flat=True)) == ["source"]
    assert client.post(answer["close"]).status_code == 404
    assert send(client, *opened, large[:PART]).status_code == 404


def test_what_is_given_up_leaves_words_and_no_bytes(client, opened, large, queued):
    sent(client, opened, large, upto=2)
    answer = begin(client, {"a.nii": large, "b.png": PNG}).json()
    send(client, opened[0], answer["files"][1]["item"], PNG)
    client.post(opened[0].replace("pieces", "give-up"))
    assert set(UploadItem.objects.values_list("status", "code")) == {("refused", "given-up")}
    assert not Blob.objects.exists()
    assert Upload.objects.get().finished_at is not None
    assert queued == []


def test_an_open_upload_is_no_work_and_expires_after_a_day(client, opened, large, queued):
    sent(client, opened, large, upto=1)
    Upload.objects.update(created_at=now() - timedelta(days=3))
    assert (uploads_recover(), uploads_expire()) == (0, 0)
    Upload.objects.update(open_until=now() - timedelta(seconds=1))
    assert send(client, *opened, large[:PART]).status_code == 404
    assert uploads_expire() == 1
    assert (UploadItem.objects.get().code, Blob.objects.count()) == ("interrupted", 0)
    assert Upload.objects.get().finished_at is not None


def test_a_piece_that_comes_while_the_upload_is_closed_is_not_kept(client, opened, large):
    upload = Upload.objects.get()
    upload_close(upload)
    item = upload.items.get()
    item.upload, item.status = upload, ItemStatus.COMING  # as it was when we looked
    piece = pieces.Piece(
        item.pk, 0, mark(large[:PART]), SimpleUploadedFile("x", large[:PART]), PART
    )
    with pytest.raises(pieces.Closed):
        pieces._taken(item, piece, pieces.StorageRoom(upload.organisation))
    assert not Blob.objects.exists()


def test_only_the_sender_finds_the_upload(client, opened, large):
    house = Upload.objects.get().organisation
    colleague = MembershipFactory(organisation=house).user
    close = opened[0].replace("pieces", "close")
    for other in (colleague, UserFactory()):
        client.force_login(other)
        assert send(client, *opened, large[:PART]).status_code == 404
        assert client.post(close).status_code == 404
    client.force_login(StrangerFactory())
    assert send(client, *opened, large[:PART]).status_code == 403
    client.logout()
    assert send(client, *opened, large[:PART]).status_code == 401
    assert begin(client, {"a": b"x"}).status_code == 401
    assert not Blob.objects.exists()


def test_an_item_of_another_upload_is_not_one_of_this(client, opened, user, large):
    _other, items = upload_open(
        user=user,
        organisation=home_organisation(user),
        modality="mri",
        files=[Coming("b", len(large), mark(b"b"))],
    )
    assert send(client, opened[0], str(items[0].pk), large[:PART]).status_code == 422
    assert not Blob.objects.exists()


def test_one_person_has_a_few_open_uploads_and_not_too_much_under_way(user, settings):
    place = {"user": user, "organisation": home_organisation(user), "modality": "ct"}
    settings.UPLOAD_OPEN_BYTES = 100
    for n in range(MOST_OPEN):
        upload_open(files=[Coming("a", 10, mark(b"%d" % n))], **place)
    with pytest.raises(NotPossible, match="unfinished"):
        upload_open(files=[Coming("a", 1, mark(b"x"))], **place)
    upload_close(parcels.uploads_open(user).first())
    with pytest.raises(NotPossible, match="under way"):
        upload_open(files=[Coming("a", 61, mark(b"x"))], **place)


@pytest.mark.parametrize(
    "rows",
    [
        "", "[]", "{}", "nothing", "[" * 10_000, "[1]", "[null]",
        '[{"name": "a", "size": -1, "fingerprint": "F"}]',
        '[{"name": "a", "size": 1e400, "fingerprint": "F"}]',
        '[{"name": "a", "size": 99999999999999999999, "fingerprint": "F"}]',
        '[{"name": "a", "size": true, "fingerprint": "F"}]',
        '[{"name": 7, "size": 1, "fingerprint": "F"}]',
        '[{"name": "a", "size": 1, "fingerprint": "../../x"}]',
    ],
)  # fmt: skip
def test_a_hostile_list_is_refused_in_words(client, user, rows):
    client.force_login(user)
    form = {"modality": "ct", "list": rows.replace("F", "f" * 64)}
    answer = client.post(reverse("imaging:upload-open"), form)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert not Upload.objects.exists()


def test_hostile_names_are_cleaned(client, user):
    client.force_login(user)
    begin(client, {"../../etc/pass\u202ewd\x00.png": b"x", "y" * 5000: b"x"})
    names = [item.name for item in UploadItem.objects.all()]
    assert not set("/\u202e\x00") & set("".join(names))
    assert max(map(len, names)) < 500


@pytest.mark.parametrize(
    "more", [{"item": "x"}, {"offset": -1}, {"offset": "0"}, {"sha256": "zz"}, {"item": None}]
)
def test_a_hostile_piece_is_refused_in_words(client, opened, large, more):
    assert send(client, *opened, large[:PART], more=more).status_code == 422
    assert not Blob.objects.exists()


def test_more_than_a_piece_is_refused(client, opened, large):
    assert send(client, *opened, large[: PART + 1]).status_code == 422


def test_a_list_of_hundreds_costs_no_more_than_its_inserts(
    client, user, django_assert_max_num_queries
):
    client.force_login(user)
    files = {f"{n}.dcm": b"x%d" % n for n in range(300)}
    with django_assert_max_num_queries(26):  # SQLite inserts some sixty rows at a time
        begin(client, files, modality="")
