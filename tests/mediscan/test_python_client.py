"""The client of clients/python against a live server, as an integrator's script uses it."""

from __future__ import annotations

import os

import httpx
import numpy as np
import pytest
from mediscan_client import MediScan, Member, Refused, SignIn
from mediscan_client.pieces import send_large
from mediscan_client.wire import Wire
from PIL import Image as Picture

from accounts.models import AuditEvent
from imaging.formats.png import encode_png
from imaging.models import Order, Run
from tests.accounts.factories import PASSWORD, OrganisationFactory, UserFactory
from tests.imaging.factories import ModelVersionFactory, ResultFactory, ramp, sealed
from tests.mediscan.test_integrators import worker  # noqa: F401  a fixture
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def scan(live_server, user):
    with MediScan(live_server.url, SignIn(user.email, PASSWORD)) as scan:
        yield scan


@pytest.fixture
def pictures(tmp_path):
    names = ("chest.png", "other.png")
    for seed, name in enumerate(names):
        (tmp_path / name).write_bytes(encode_png(ramp()[0] + 7 * seed))
    return [tmp_path / name for name in names]


def test_an_order_is_followed_to_its_numbers_and_mask(scan, pictures, worker):  # noqa: F811
    model = ModelVersionFactory()
    assert [one["name"] for one in scan.models()] == [model.name]
    told = []
    order = scan.analyze("xray", pictures[:1], members=[Member(model.name, weight=2, device="cpu")])
    order = scan.wait(order, seconds=30, told=told.append)
    assert order["state"] == "finished"
    (result,) = order["results"]
    assert result["affected_area_percent"] == 26.04
    assert scan.result(result["id"]) == result
    assert all(one["unit"] is not None for one in scan.measurements(result["id"]))
    assert (Order.objects.count(), Run.objects.count()) == (1, 1)


def test_the_same_key_is_one_order(scan, pictures, worker):  # noqa: F811
    members = [Member(ModelVersionFactory().name)]
    first, again = (
        scan.analyze("xray", pictures[:1], members=members, key="chest-1") for _ in range(2)
    )
    assert first["id"] == again["id"]
    with pytest.raises(Refused) as told:
        scan.analyze("xray", pictures[1:], members=members, key="chest-1")
    assert told.value.code == "idempotency_key_reused"
    assert told.value.request_id


def test_upload_run_jobs_and_results_step_by_step(scan, pictures, worker):  # noqa: F811
    model = ModelVersionFactory()
    upload = scan.wait(scan.upload(pictures, "xray"), seconds=30)
    assert [item["name"] for item in upload["items"]] == ["chest.png", "other.png"]
    run = scan.wait(scan.run(uploads=[upload["id"]], members=[Member(model.name)]), seconds=30)
    assert run["jobs"]["succeeded"] == 2
    assert {job["status"] for job in scan.jobs(run["id"])} == {"succeeded"}
    found = list(scan.results(run=run["id"], limit="1"))  # two pages
    assert len({one["id"] for one in found}) == 2


def test_a_large_file_goes_in_pieces_and_on_after_a_break(scan, tmp_path, worker, monkeypatch):  # noqa: F811
    from imaging.api import sending
    from imaging.services import pieces

    for module in (sending, pieces):
        monkeypatch.setattr(module, "PART_BYTES", 5000)
    place = tmp_path / "large.png"
    place.write_bytes(encode_png(np.random.default_rng(1).integers(0, 256, (160, 160), np.uint8)))
    size, told = place.stat().st_size, []

    def broken_off(name, there, of):
        told.append((name, there, of))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan.upload_large([place], "xray", told=broken_off)
    upload = scan.upload_large([place], "xray", told=lambda *how: told.append(how))
    assert told[0] == (place.name, 5000, size)
    assert told[1] == (place.name, 10_000, size)  # the first piece is not sent again
    assert told[-1] == (place.name, size, size)
    upload = scan.wait(upload, seconds=30)
    assert [item["status"] for item in upload["items"]] == ["accepted"]


def test_a_file_that_became_shorter_is_said_and_no_empty_piece_is_sent(tmp_path):
    place, sent = tmp_path / "a.dcm", []
    place.write_bytes(bytes(30_000))

    def answer(request: httpx.Request) -> httpx.Response:
        state = {"item": "i", "status": "coming", "received": 0, "size": 30_000}
        if request.url.path.endswith("/open/"):
            told = {"id": "1", "piece_bytes": 10_000, "files": [state]}
            return httpx.Response(201, json=told)
        sent.append(request)
        return httpx.Response(200, json=state | {"received": 10_000 * len(sent)})

    wire = Wire(
        httpx.Client(base_url="http://scan.example.org", transport=httpx.MockTransport(answer))
    )
    with pytest.raises(ValueError, match=r"a\.dcm became shorter"):
        send_large(wire, "/uploads/", [place], {}, lambda *how: os.truncate(place, 10_000))
    assert 1 <= len(sent) < 3  # a file is read a little ahead


def test_a_redirect_is_told_and_is_no_file(tmp_path):
    def moved(request: httpx.Request) -> httpx.Response:
        return httpx.Response(301, headers={"Location": "https://scan.example.org/"}, text="Moved")

    http = httpx.Client(base_url="http://scan.example.org", transport=httpx.MockTransport(moved))
    for ask in (Wire(http).get, lambda address: Wire(http).download(address, tmp_path / "mask")):
        with pytest.raises(Refused, match=r"https://scan\.example\.org/") as told:
            ask("/api/v1/me/")
        assert (told.value.status, told.value.code) == (301, "redirected")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_whole_or_not_at_all(scan, user, tmp_path):
    result = sealed(ResultFactory(user=user))
    mask = scan.save_mask(str(result.pk), tmp_path / "mask.png")
    with Picture.open(mask) as picture:
        assert picture.size == result.image.shape[:0:-1]
    with pytest.raises(Refused) as told:
        scan.save_map(str(result.pk), "nothing", tmp_path / "no.raw")
    assert told.value.status == 404
    assert [one.name for one in tmp_path.iterdir()] == ["mask.png"]


def test_an_export_that_fails_is_over_too(scan, user):
    export = ExportFactory(
        results=[ResultFactory(user=user)], status="failed", error="Nothing to write."
    )
    body = scan._wire.get(f"/api/v1/exports/{export.pk}/")
    assert scan.wait(body, seconds=5)["error"] == "Nothing to write."


def test_patience_ends_and_the_work_goes_on(scan, user):
    export = ExportFactory(results=[ResultFactory(user=user)], status="queued")
    body = scan._wire.get(f"/api/v1/exports/{export.pk}/")
    with pytest.raises(TimeoutError, match="goes on"):
        scan.wait(body, seconds=0.5)


def test_a_token_that_ended_is_renewed_without_the_password(scan, live_server):
    scan.models()
    list(scan.models())
    scan._wire._http.auth._ends = 0.0
    list(scan.models())
    signed_in = AuditEvent.objects.filter(action__startswith="token.").values_list("action")
    assert len(set(signed_in)) == 2


def test_a_wrong_password_is_told_in_the_servers_words(live_server, user):
    with (
        MediScan(live_server.url, SignIn(user.email, "not it")) as scan,
        pytest.raises(Refused) as told,
    ):
        list(scan.models())
    assert told.value.status == 401


def test_a_stranger_finds_nothing(live_server, user):
    theirs = ResultFactory(user=user)
    stranger = UserFactory(organisation=OrganisationFactory())
    with (
        MediScan(live_server.url, SignIn(stranger.email, PASSWORD)) as scan,
        pytest.raises(Refused) as told,
    ):
        scan.result(str(theirs.pk))
    assert told.value.status == 404


class TestTheWire:
    def wire(self, monkeypatch, answers) -> tuple[Wire, list[httpx.Request]]:
        asked: list[httpx.Request] = []

        def answer(request):
            asked.append(request)
            now = answers.pop(0)
            if isinstance(now, Exception):
                raise now
            return now

        monkeypatch.setattr("mediscan_client.wire.time.sleep", lambda _seconds: None)
        http = httpx.Client(base_url="https://a.test", transport=httpx.MockTransport(answer))
        return Wire(http), asked

    def test_reading_outlives_a_lost_connection(self, monkeypatch):
        lost = httpx.ReadError("gone")
        wire, asked = self.wire(monkeypatch, [lost, lost, httpx.Response(200, json={"a": 1})])
        assert wire.get("/x/") == {"a": 1}
        assert len(asked) == 3

    def test_an_act_without_a_key_is_not_sent_twice(self, monkeypatch):
        wire, asked = self.wire(monkeypatch, [httpx.ReadError("gone")])
        with pytest.raises(httpx.ReadError):
            wire.post("/x/", json={})
        assert len(asked) == 1

    def test_an_act_with_a_key_is(self, monkeypatch):
        answers = [httpx.ReadError("gone"), httpx.Response(202, json={})]
        wire, asked = self.wire(monkeypatch, answers)
        wire.post("/x/", key="k", json={})
        assert [one.headers["Idempotency-Key"] for one in asked] == ["k", "k"]

    def test_too_many_waits_as_told_but_not_for_hours(self, monkeypatch):
        busy = httpx.Response(429, headers={"Retry-After": "3"})
        hours = httpx.Response(429, headers={"Retry-After": "9000"}, json={"code": "throttled"})
        wire, asked = self.wire(monkeypatch, [busy, httpx.Response(200, json={}), hours])
        wire.get("/x/")
        with pytest.raises(Refused, match="throttled"):
            wire.get("/x/")
        assert len(asked) == 3

    def test_the_next_page_is_asked_of_this_server(self, monkeypatch):
        pages = [
            httpx.Response(200, json={"results": [1], "next": "http://inner/x/?cursor=b&limit=1"}),
            httpx.Response(200, json={"results": [2], "next": None}),
        ]
        wire, asked = self.wire(monkeypatch, pages)
        assert list(wire.pages("/x/", {})) == [1, 2]
        assert str(asked[1].url) == "https://a.test/x/?cursor=b&limit=1"

    def test_a_proxys_page_is_a_refusal_too(self, monkeypatch):
        wire, _asked = self.wire(monkeypatch, [httpx.Response(502, text="<h1>Bad gateway</h1>")])
        with pytest.raises(Refused) as told:
            wire.get("/x/")
        assert told.value.status == 502
