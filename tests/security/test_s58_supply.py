"""S58: the bill of materials is the lock's, hashes are pinned, no secret lies in the repository."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from mediscan import supply

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64}"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{60,}"),
    "a Slack token": re.compile(r"\bxox[abpr]-[A-Za-z0-9-]{20,}"),
    "a Google key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "a token of a web service": re.compile(r"\bsk[-_](?:live|test|proj)[-_][A-Za-z0-9]{20,}"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,}"),
    "a password in an address": re.compile(r"\b[a-z]{3,10}://[^\s:/@\"'{]+:(?!password|secret|x+@|pw@|p@)[^\s:/@\"'{%]{6,}@"),
}  # fmt: skip
ASSIGNED = re.compile(
    r"(?i)\b(secret_key|vault_kek|password|api_?key|token)\b\s*[:=]\s*[\"']([A-Za-z0-9+/=_-]{32,})[\"']"
)
OBVIOUS = re.compile(r"only-for-tests|example|x{10}|(.)\1{9}", re.I)


def files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def texts():
    for path in files():
        if path.is_file() and path.stat().st_size < 2**20:
            try:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def secrets_in(text: str) -> list[str]:
    found = [name for name, pattern in SECRETS.items() if pattern.search(text)]
    for match in ASSIGNED.finditer(text):
        if entropy(match[2]) > 4.2 and not OBVIOUS.search(match[2]):
            found.append(f"a random {match[1].lower()}")
    return found


def entropy(text: str) -> float:
    """Bits a character."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def test_the_repository_holds_no_secret():
    own = Path("tests/security/test_s58_supply.py")
    found = {
        str(path): kinds for path, text in texts() if path != own if (kinds := secrets_in(text))
    }
    assert found == {}
    names = {path.name for path in files()}
    assert not names & {".env", "id_rsa", "id_ed25519", "db.sqlite3", "credentials.json"}


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA" * 5,
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8",
        'SECRET_KEY = "' + "kZ3vQ8s1Jx7Lr0WcT5yBn2Ma9Hd4Ef6G" + '"',
        "postgres://mediscan:hunter2hunter2@db/mediscan",
    ],
)
def test_a_secret_would_be_found(text):
    assert secrets_in(text)


def test_the_bill_of_materials_is_the_lock():
    kept = json.loads(supply.SBOM.read_text(encoding="utf-8"))
    pinned = {(pin.key, pin.version) for pin in supply.pins()}
    listed = {tuple(one["purl"].removeprefix("pkg:pypi/").split("@")) for one in kept["components"]}
    assert listed == pinned
    assert kept == supply.sbom(), "run make sbom"
    assert len(listed) > 100


def test_every_requirement_is_pinned_to_one_version():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            wanted = line.partition("#")[0].strip()
            if wanted and not wanted.startswith("-r"):
                assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==[\w.]+", wanted), wanted


def test_the_lock_names_every_pin_with_its_hash():
    if not supply.LOCK.exists():
        pytest.skip("no requirements.lock: make lock needs an index that tells hashes")
    locked = {pin.key: pin for pin in supply.pins(supply.LOCK)}
    assert {(pin.key, pin.version) for pin in supply.pins()} == {
        (pin.key, pin.version) for pin in locked.values()
    }
    assert all(pin.hashes for pin in locked.values())


@pytest.mark.parametrize(
    ("stdout", "stderr", "strict", "code", "words"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', "", False, 0, "0 known"),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}', "",
         False, 1, "CVE-1"),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', "", False, 0, "SKIPPED"),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', "", True, 2, "SKIPPED"),
        ("", "requests.exceptions.ConnectionError: Max retries", False, 0, "SKIPPED"),
        ("", "requests.exceptions.ConnectionError: Max retries", True, 2, "SKIPPED"),
        ("", "No module named pip_audit", False, 1, ""),
    ],
)  # fmt: skip
def test_the_audit_never_passes_in_silence(
    monkeypatch, capsys, stdout, stderr, strict, code, words
):
    done = subprocess.CompletedProcess([], 1, stdout, stderr)
    monkeypatch.setattr(supply.subprocess, "run", lambda *a, **k: done)
    assert supply.audit(strict=strict) == code
    assert words in capsys.readouterr().out


def test_a_file_without_a_hash_does_not_enter_the_lock():
    item = {"metadata": {"name": "a", "version": "1"}, "download_info": {"archive_info": {}}}
    with pytest.raises(ValueError, match="a==1"):
        supply.lock_text({"install": [item]})


def test_a_build_of_our_own_stands_behind_the_public_one():
    def report(version, digest):
        info = {"url": "https://index/a.whl", "archive_info": {"hashes": {"sha256": digest}}}
        return {"install": [{"metadata": {"name": "a", "version": version}, "download_info": info}]}

    text = supply.lock_text(report("1", "0" * 64), report("1+cpu", "1" * 64))
    assert text.endswith(
        f"a==1 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{'1' * 64}\n"
    )
    same = supply.lock_text(report("1", "0" * 64), report("1", "0" * 64))
    assert same.count("--hash") == 1
    assert "index" not in same
