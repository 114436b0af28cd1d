"""What the house is made of: the lock with its hashes, the SBOM, the look at the advisories.

`python -m mediscan.supply lock | sbom | audit`; needs neither Django nor a secret.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS, LOCK, SBOM = (
    ROOT / name for name in ("requirements.txt", "requirements.lock", "sbom.cdx.json")
)
_PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;#\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
PUBLIC = ("env", "-u", "PIP_FIND_LINKS", "-u", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE=/dev/null")
LOCK_HEAD = (
    "# Made by `make lock` for CPython 3.11 on Linux x86-64. Every pin is here, nothing is looked",
    "# for: pip install --no-deps --require-hashes -r requirements.lock",
    "# Where two hashes stand, the second is of the build that the tests ran with.",
)
_UNREACHABLE = (
    "ConnectionError", "Max retries", "NameResolution", "Could not resolve", "timed out",
    "ServiceError", "ConnectTimeout", "ProxyError",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pin:
    name: str
    version: str
    hashes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name as registries compare it."""
        return re.sub(r"[-_.]+", "-", self.name).lower()


def pins(path: Path = REQUIREMENTS) -> list[Pin]:
    """The pinned packages of a requirements file, with the hashes that it may carry."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if match := _PIN.match(line.strip()):
            found.append(Pin(match[1], match[2], tuple(_HASH.findall(line))))
    return sorted(found, key=lambda pin: pin.key)


def lock() -> None:
    """Write requirements.lock: every pin with the sha256 of the file that the index offers.

    Beside it, where it differs, that of the file which pip would take here: a machine may keep
    builds of its own, such as torch without CUDA.
    """
    LOCK.write_text(lock_text(_report(*PUBLIC), _report()), encoding="utf-8")


def _report(*before: str) -> dict[str, Any]:
    """Return what pip would install for the pins, and from where; nothing is installed."""
    command = [*before, sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps",
               "--ignore-installed", "--report", "-", "-r", str(REQUIREMENTS)]  # fmt: skip
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def lock_text(*reports: dict[str, Any]) -> str:
    """The lock that pip's reports describe. Raises ValueError for a file without a sha256."""
    hashes: dict[tuple[str, str], list[str]] = {}
    for report in reports:
        for item in report["install"]:
            name, version = item["metadata"]["name"], item["metadata"]["version"].partition("+")[0]
            digest = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
            if digest is None:
                raise ValueError(f"{name}=={version}: the index tells no sha256")
            known = hashes.setdefault((name, version), [])
            if digest not in known:
                known.append(digest)
    lines = [*LOCK_HEAD]
    for (name, version), digests in sorted(hashes.items(), key=lambda one: one[0][0].lower()):
        lines.append(f"{name}=={version}" + "".join(f" \\\n    --hash=sha256:{d}" for d in digests))
    return "\n".join(lines) + "\n"


def sbom() -> dict[str, Any]:
    """The bill of materials in CycloneDX 1.5: the same for the same pins, on every machine."""
    locked = {pin.key: pin.hashes for pin in pins(LOCK)} if LOCK.exists() else {}
    components = [_component(pin, locked.get(pin.key, ())) for pin in pins()]
    content = json.dumps(components, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "mediscan",
                                   "bom-ref": "mediscan"}},
        "components": components,
    }  # fmt: skip


def audit(*, strict: bool = False) -> int:
    """Compare the pins with the advisories; 0 nothing known, 1 something, 2 (strict) no data."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip",
               "--progress-spinner=off", "--format=json", "-r", str(REQUIREMENTS)]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        return _told(json.loads(done.stdout), strict)
    except json.JSONDecodeError:
        if not any(word in done.stderr for word in _UNREACHABLE):
            print(done.stderr[-2000:], file=sys.stderr)
            return 1
    print("pip-audit: the advisories are unreachable. SKIPPED: nothing is known about them.")
    return 2 if strict else 0


def _told(answer: dict[str, Any], strict: bool) -> int:
    """Say what is known; a package without an advisory to look at never counts as good."""
    packages, wrong = answer["dependencies"], list(_vulnerable(answer))
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    for line in wrong:
        print(line)
    print(
        f"pip-audit: {len(packages) - len(unknown)} packages, {len(wrong)} known vulnerabilities."
    )
    if unknown:
        print(f"pip-audit: the advisories are unreachable for {len(unknown)} packages. SKIPPED:"
              f" nothing is known about {', '.join(unknown[:5])} …")  # fmt: skip
    return 1 if wrong else 2 if unknown and strict else 0


def _vulnerable(answer: dict[str, Any]) -> Iterator[str]:
    for one in answer["dependencies"]:
        for found in one.get("vulns", ()):
            fixed = ", ".join(found.get("fix_versions", ())) or "none yet"
            yield f"{one['name']} {one['version']}: {found['id']} (fixed in {fixed})"


def _component(pin: Pin, hashes: tuple[str, ...]) -> dict[str, Any]:
    purl = f"pkg:pypi/{pin.key}@{pin.version}"
    component: dict[str, Any] = {
        "type": "library", "bom-ref": purl, "name": pin.name, "version": pin.version, "purl": purl,
    }  # fmt: skip
    if licence := _licence(pin.name):
        component["licenses"] = [{"license": {"name": licence}}]
    if hashes:
        component["hashes"] = [{"alg": "SHA-256", "content": one} for one in hashes]
    return component


def _licence(name: str) -> str:
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    classified = [
        line.rpartition(" :: ")[2]
        for line in told.get_all("Classifier") or ()
        if line.startswith("License")
    ]
    words = told.get("License-Expression") or ", ".join(classified) or told.get("License") or ""
    return words.splitlines()[0][:120] if words else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mediscan.supply")
    parser.add_argument("what", choices=["lock", "sbom", "audit"])
    parser.add_argument("--strict", action="store_true", help="audit: no data is a failure")
    options = parser.parse_args()
    if options.what == "audit":
        return audit(strict=options.strict)
    if options.what == "lock":
        lock()
    else:
        SBOM.write_text(json.dumps(sbom(), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
