"""A letterhead from the form to the paper: drafted, looked at, in use, kept by what is signed."""

import io
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import now
from PIL import Image
from pypdf import PdfReader

from accounts.audit.record import PURPOSE
from accounts.models import AuditEvent, Blob
from accounts.roles import ADMINISTRATOR
from accounts.vault.purposes import purpose_unseal
from accounts.vault.storage import blob_open
from imaging.services.refusals import NotPossible
from reports import tasks
from reports.letterhead import making as letterhead_making
from reports.letterhead.life import DIED, letterhead_at, letterhead_use, letterheads_recover
from reports.making import pdf_of
from reports.models import Letterhead
from tests.accounts.factories import MembershipFactory, UserFactory, verify
from tests.browser.story import drawn_result
from tests.imaging.factories import ReviewFactory, stored
from tests.reports.factories import LetterheadFactory
from tests.reports.test_versions import signed_review

pytestmark = pytest.mark.django_db
PAGE = "reports:letterhead"
LONG = {
    "heading": "W" * 40 + " Hospital of the University",
    "address": "\n".join(["Department of Radiology and Nuclear Medicine, Building 7, W"] * 4),
    "closing": "A sentence that every patient of this hospital shall read, too. " * 4,
}


def logo(kind="PNG", name="logo.png", size=(300, 100)) -> SimpleUploadedFile:
    sink = io.BytesIO()
    Image.new("RGB", size, "navy").save(sink, kind)
    return SimpleUploadedFile(name, sink.getvalue())


@pytest.fixture
def administrator(client):
    person = MembershipFactory(role=ADMINISTRATOR).user
    verify(client, person)
    return person


def text_of(data: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def shown(client) -> str:
    return client.get(reverse(PAGE)).content.decode()


@pytest.mark.engine
def test_from_the_form_to_the_specimen_and_into_use(client, administrator, queued):
    form = {"heading": "Hospital <b>&", "address": " Wood  Street 1 \n\nTown", "logo": logo()}
    assert client.post(reverse(PAGE), form).url == reverse(PAGE)
    draft = Letterhead.objects.get()
    assert queued == [("reports.tasks.read_letterhead", str(draft.pk))]
    assert "hx-get" in shown(client)
    with blob_open(draft.sent) as content:
        assert content.read().startswith(b"\x89PNG")
    sent = draft.sent_id
    tasks.read_letterhead(str(draft.pk))
    tasks.read_letterhead(str(draft.pk))  # delivered twice
    draft.refresh_from_db()
    assert (draft.state, draft.tries, draft.problem) == ("ready", 1, "")
    assert draft.address == "Wood Street 1\nTown"
    assert not Blob.objects.filter(pk=sent).exists(), "what was sent is gone once it is drawn anew"
    assert Blob.objects.filter(kind="letterhead").count() == 2
    page = shown(client)
    assert "hx-get" not in page.split('id="draft"')[1].split("</section>")[0]
    assert "Hospital &lt;b&gt;&amp;" in page
    picture = client.get(reverse("reports:letterhead-logo", args=[draft.pk]))
    assert Image.open(io.BytesIO(b"".join(picture.streaming_content))).size == (300, 100)
    specimen = client.get(reverse("reports:letterhead-specimen", args=[draft.pk]))
    words = text_of(b"".join(specimen.streaming_content))
    assert "Hospital <b>&" in words
    assert "nobody was examined" in words
    assert letterhead_at(draft.organisation_id, now()) is None
    client.post(reverse("reports:letterhead-use", args=[draft.pk]))
    assert letterhead_at(draft.organisation_id, now()) == draft
    told = AuditEvent.objects.filter(action__startswith="letterhead.").order_by("at")
    assert [one.action for one in told] == ["letterhead.save", "letterhead.use"]
    assert "Hospital" in purpose_unseal(PURPOSE, told[0].sealed, told[0].pk.hex)


@pytest.mark.engine
def test_a_file_that_is_no_picture_is_refused_by_name_and_not_kept(client, administrator, queued):
    file = SimpleUploadedFile("brand.png", b"GIF89a" + bytes(500))
    client.post(reverse(PAGE), {"logo": file})
    draft = Letterhead.objects.get()
    tasks.read_letterhead(str(draft.pk))
    draft.refresh_from_db()
    assert draft.state == "refused"
    assert "brand.png" in draft.problem
    assert "brand.png" in shown(client)
    assert not Blob.objects.filter(kind="letterhead").exists()
    with pytest.raises(NotPossible):
        letterhead_use(user=administrator, letterhead=draft)


def test_the_logo_stays_unless_it_is_taken_off(client, administrator, queued, monkeypatch):
    house = administrator.memberships.get().organisation
    monkeypatch.setattr(letterhead_making, "_redrawn", lambda draft: logo().read())
    kept = []
    for form in ({"logo": logo()}, {"heading": "New"}, {"heading": "Newer", "without_logo": "on"}):
        client.post(reverse(PAGE), form)
        newest = house.letterheads.first()
        tasks.read_letterhead(str(newest.pk))
        newest.refresh_from_db()
        assert newest.state == "ready"
        kept.append(newest.logo_id)
    assert kept[0] == kept[1] is not None
    assert kept[2] is None
    assert [one.number for one in house.letterheads.all()] == [3, 2, 1]


def test_a_logo_that_is_still_looked_at_is_not_lost(client, administrator, queued):
    client.post(reverse(PAGE), {"logo": logo()})
    refused = client.post(reverse(PAGE), {"heading": "New"})
    assert refused.status_code == 422
    assert "still being looked at" in refused.content.decode()
    assert Letterhead.objects.count() == 1
    assert client.post(reverse(PAGE), {"heading": "N", "without_logo": "on"}).status_code == 302


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"address": "a\nb\nc\nd\ne"}, "at most four lines"),
        ({"address": "x" * 61}, "at most four lines"),
        ({"heading": "x" * 81}, "80"),
        ({"closing": "x" * 301}, "300"),
        ({"logo": SimpleUploadedFile("big.png", bytes((1 << 20) + 1))}, "larger than 1 MB"),
    ],
)
def test_what_has_no_room_on_the_paper_is_said_and_nothing_is_kept(
    client, administrator, queued, form, words
):
    answer = client.post(reverse(PAGE), form)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Letterhead.objects.exists()
    assert not Blob.objects.exists()
    assert queued == []


def test_it_asks_again_who_it_is(client):
    person = MembershipFactory(role=ADMINISTRATOR).user
    draft = LetterheadFactory(organisation=person.memberships.get().organisation)
    client.force_login(person)
    for answer in (
        client.get(reverse(PAGE)), client.post(reverse(PAGE), {"heading": "x"}),
        client.post(reverse("reports:letterhead-use", args=[draft.pk])),
    ):  # fmt: skip
        assert answer.url.startswith(reverse("account_reauthenticate"))
    assert Letterhead.objects.get().used_at is None


def test_a_draft_stands_on_no_report_and_one_in_use_on_every_new_one(tmp_path):
    result = drawn_result(UserFactory(), tmp_path)
    draft = LetterheadFactory(organisation=result.organisation, closing="Ask us.")
    assert "in the wood" not in text_of(pdf_of(result))
    letterhead_use(user=draft.created_by, letterhead=draft)
    words = text_of(pdf_of(result))
    assert "The hospital in the wood" in words
    assert "Ask us." in words
    with pytest.raises(NotPossible, match="in use already"):
        letterhead_use(user=draft.created_by, letterhead=draft)


def test_another_organisations_stands_on_none_of_ours(tmp_path):
    LetterheadFactory(used=True)
    assert "in the wood" not in text_of(pdf_of(drawn_result(UserFactory(), tmp_path)))


def test_a_signed_report_keeps_what_it_had_when_signed(tmp_path):
    user = UserFactory()
    result = drawn_result(user, tmp_path)
    house = result.organisation
    with time_machine.travel(now() - timedelta(days=2), tick=False):
        LetterheadFactory(organisation=house, heading="The old name", used=True)
    with time_machine.travel(now() - timedelta(days=1), tick=False):
        review = signed_review(result, user)
    LetterheadFactory(organisation=house, heading="The new name", used=True)
    assert "The old name" in text_of(pdf_of(result, review.number))
    ReviewFactory(result=result, number=2, amendment="The side was wrong")  # a draft that follows
    assert "The new name" in text_of(pdf_of(result))


def test_the_longest_letterhead_leaves_a_reviewed_report_on_one_page(tmp_path):
    user = UserFactory()
    result = drawn_result(user, tmp_path)
    picture = stored(result.organisation, logo(size=(1000, 300)).read(), "letterhead")
    LetterheadFactory(organisation=result.organisation, used=True, logo=picture, **LONG)
    signed_review(result, user, comment="A finding that takes some words to say. " * 6)
    (page,) = PdfReader(io.BytesIO(pdf_of(result))).pages
    words = page.extract_text()
    for one in ("Building 7", "shall read, too", "SHA-256", "Page 1 of 1"):
        assert one in words


def test_a_lost_doorbell_is_rung_again_and_the_third_death_is_told(queued, settings):
    draft = LetterheadFactory(state="reading", rung_at=now() - timedelta(minutes=2), tries=1)
    assert letterheads_recover() == 1
    assert queued == [("reports.tasks.read_letterhead", str(draft.pk))]
    assert letterheads_recover() == 0
    Letterhead.objects.update(rung_at=now() - timedelta(minutes=2), tries=3)
    letterheads_recover()
    draft.refresh_from_db()
    assert (draft.state, draft.problem) == ("refused", DIED)
