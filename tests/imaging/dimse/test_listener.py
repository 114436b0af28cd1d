"""The listener as a modality has it: pynetdicom's own sender against the command's process."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.core.management import CommandError, call_command
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE

from accounts.models import AuditEvent, Membership, Plan, ServiceAccount
from imaging.lifeline import end_with
from imaging.models import ItemStatus, Upload, UploadItem
from tests.accounts.factories import DepartmentFactory, OrganisationFactory
from tests.formats.factories import dicom_dataset, dicom_file
from tests.imaging.live import wait_for, worker_environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]
CT, VERIFICATION = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.1"
PATIENCE_S = 60


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def room(house):
    return DepartmentFactory(organisation=house)


@pytest.fixture
def peers(tmp_path, house, room):
    rows = [
        {"ae_title": "CT1", "organisation": str(house.pk), "department": str(room.pk)},
        {"ae_title": "FAR", "organisation": str(house.pk), "addresses": ["192.0.2.0/24"]},
    ]
    path = tmp_path / "peers.json"
    path.write_text(json.dumps(rows))
    return path


class Listening:
    """`manage.py dicom_listener` on a free port; leaving the block ends it."""

    def __init__(self, peers, log, *more: str) -> None:
        tests = os.getpid()
        self.log = log
        with log.open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "dicom_listener", "--json", "--port", "0",
                 "--peers", str(peers), *more],
                cwd=settings.BASE_DIR, env=worker_environment(), stdout=subprocess.PIPE,
                stderr=err, text=True, start_new_session=True,
                preexec_fn=lambda: end_with(tests),
            )  # fmt: skip
        line = self.process.stdout.readline()
        assert line, log.read_text()
        self.port = int(json.loads(line)["listening"].rpartition(":")[2])

    def stop(self) -> dict:
        self.process.send_signal(signal.SIGTERM)
        told, _err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, self.log.read_text()
        return json.loads(told)

    def associate(self, title: str = "CT1", called: str = "MEDISCAN", **more):
        sender = AE(ae_title=title)
        sender.add_requested_context(VERIFICATION)
        sender.add_requested_context(CT, ExplicitVRLittleEndian)
        return sender.associate("127.0.0.1", self.port, ae_title=called, **more)


@pytest.fixture
def listen(peers, tmp_path):
    made = []

    def start(*more: str) -> Listening:
        made.append(Listening(peers, tmp_path / "listener.log", *more))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


def slices(count: int) -> list[Dataset]:
    """Slices of one CT series, as files that were read."""
    made = (
        dicom_dataset(SOPInstanceUID=f"1.2.3.9.{n}", ImagePositionPatient=[0, 0, n])
        for n in range(1, count + 1)
    )
    return [dcmread(BytesIO(dicom_file(one))) for one in made]


def sent(association, datasets) -> list[int]:
    statuses = [association.send_c_store(one).Status for one in datasets]
    association.release()
    return statuses


def closed() -> Upload | None:
    """The one upload, once the listener has let go of it."""
    return Upload.objects.filter(open_until=None).first()


def test_a_series_is_one_upload_in_its_department_and_twice_is_no_harm(listen, house, room):
    listener = listen()
    association = listener.associate()
    assert association.is_established
    assert association.send_c_echo().Status == 0x0000
    assert sent(association, slices(3)) == [0, 0, 0]
    upload = wait_for(closed, PATIENCE_S, listener.log.read_text)
    account = ServiceAccount.objects.get()
    assert (account.name, upload.user, upload.department) == ("DICOM CT1", account.user, room)
    assert [item.status for item in upload.items.all()] == [ItemStatus.WAITING] * 3
    assert upload.rung_at is not None
    event = AuditEvent.objects.get(action="upload.create")
    assert (event.reason, event.ip) == ("by DIMSE from AE CT1", "127.0.0.1")
    assert (event.role, event.organisation) == ("dicom listener", house)

    assert sent(listener.associate(), slices(1)) == [0]
    wait_for(lambda: Upload.objects.filter(open_until=None).count() == 2, PATIENCE_S,
             listener.log.read_text)  # fmt: skip
    hashes = UploadItem.objects.values_list("blob__sha256", flat=True)
    assert len(set(hashes)) == 3  # the worker finds the fourth a duplicate
    assert listener.stop() == {"stored": 4, "refused": 0, "senders": 2}


def test_of_a_department_that_is_gone_nothing_is_filed_elsewhere(listen, room):
    listener = listen()
    room.delete()
    association = listener.associate()
    assert sent(association, slices(1)) == [0x0124]
    assert not Upload.objects.exists()


def test_whoever_is_not_listed_is_rejected(listen):
    listener = listen()
    for title, called in (("CT2", "MEDISCAN"), ("CT1", "OTHER"), ("FAR", "MEDISCAN")):
        assert not listener.associate(title, called).is_established
    assert listener.stop()["stored"] == 0
    assert not Upload.objects.exists()


def test_what_cannot_be_taken_is_answered_in_the_fields_words(listen, house):
    listener = listen()
    good, other = slices(2)
    del other.PixelData
    association = listener.associate()
    assert association.send_c_store(other).Status == 0xC000
    house.plan = Plan.objects.create(name="Full", storage_bytes=0)
    house.save()
    association.release()
    assert sent(listener.associate(), [good]) == [0xA700]
    refused = UploadItem.objects.get()
    assert (refused.status, refused.code) == (ItemStatus.REFUSED, "quota-storage")
    Membership.objects.filter(user=ServiceAccount.objects.get().user).delete()
    assert sent(listener.associate(), [good]) == [0x0124]
    assert listener.stop() == {"stored": 0, "refused": 3, "senders": 2}


def test_an_abort_keeps_what_was_answered_for_and_leaves_nothing_else(listen):
    listener = listen()
    association = listener.associate()
    association.abort()
    association = listener.associate()
    assert association.send_c_store(slices(1)[0]).Status == 0
    association.abort()
    upload = wait_for(closed, PATIENCE_S, listener.log.read_text)
    assert upload.items.get().status == ItemStatus.WAITING
    assert Upload.objects.count() == 1
    assert list((settings.DATA_DIR / "incoming").glob("*")) == []


def test_told_to_stop_it_ends_and_gives_what_came_to_the_worker(listen):
    listener = listen()
    association = listener.associate()
    assert association.send_c_store(slices(1)[0]).Status == 0
    assert Upload.objects.get().open_until is not None
    assert listener.stop()["stored"] == 1
    assert closed().rung_at is not None
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", listener.port), 5)


def test_more_bytes_than_are_taken_end_the_connection(listen):
    listener = listen("--max-file", "1")
    association = listener.associate()
    large = slices(1)[0]
    large.Rows, large.Columns, large.PixelData = 1400, 1400, bytes(2 * 1400 * 1400)
    assert "Status" not in association.send_c_store(large)
    with socket.create_connection(("127.0.0.1", listener.port), 10) as raw:
        raw.sendall(struct.pack(">BBL", 1, 0, 2**31))  # a PDU that says two gigabytes
        assert raw.recv(1) == b""
    assert sent(listener.associate(), slices(1)) == [0]
    assert listener.stop() == {"stored": 1, "refused": 0, "senders": 1}


def test_over_tls(listen, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(today - timedelta(days=1))
    made = made.not_valid_after(today + timedelta(days=1)).sign(key, hashes.SHA256())
    cert, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    listener = listen("--tls-cert", str(cert), "--tls-key", str(private))
    trusting = ssl.create_default_context(cafile=str(cert))
    trusting.check_hostname = False
    association = listener.associate(tls_args=(trusting, None))
    assert sent(association, slices(1)) == [0]
    assert not listener.associate().is_established  # in the clear


def test_check_reads_everything_and_listens_to_nobody(peers, tmp_path, house):
    said = StringIO()
    call_command("dicom_listener", peers=peers, check=True, json=True, stdout=said)
    assert json.loads(said.getvalue()) == {"peers": ["CT1", "FAR"]}
    gone = [{"ae_title": "X", "organisation": "00000000-0000-4000-8000-000000000000"}]
    peers.write_text(json.dumps(gone))
    with pytest.raises(CommandError, match="there is no organisation"):
        call_command("dicom_listener", peers=peers, check=True)
    other = DepartmentFactory()
    wrong = [{"ae_title": "X", "organisation": str(house.pk), "department": str(other.pk)}]
    peers.write_text(json.dumps(wrong))
    with pytest.raises(CommandError, match="has no department"):
        call_command("dicom_listener", peers=peers, check=True)


@pytest.mark.parametrize(
    ("option", "word"),
    [({"max_pdu": 1}, "--max-pdu must be"), ({"ae_title": "A" * 17}, "1 to 16"),
     ({"tls_cert": "x.pem"}, "both --tls-cert and --tls-key")],
)  # fmt: skip
def test_wrong_options_are_named(peers, option, word):
    with pytest.raises(CommandError, match=word):
        call_command("dicom_listener", peers=peers, check=True, **option)


def test_without_its_extra_the_command_says_how_to_get_it(peers, monkeypatch):
    monkeypatch.setitem(sys.modules, "imaging.dimse.listener", None)

    def absent(name, *args, **kwargs):
        if name == "imaging.dimse.listener":
            raise ModuleNotFoundError("No module named 'pynetdicom'", name="pynetdicom")
        return real(name, *args, **kwargs)

    import builtins

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(CommandError, match=r"requirements-dicom-net\.txt"):
        call_command("dicom_listener", peers=peers, check=True)
