"""The house rules, executable: who may import whom."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DECODERS = ("PIL", "pydicom", "nibabel", "nrrd", "gdcm", "tifffile", "openjpeg", "jpeg_ls")
HEAVY = (
    "torch",
    "monai",
    "onnxruntime",
    "onnx",
    "keras",
    "cv2",
    "skimage",
    "scipy",
    "highdicom",
    *DECODERS,
)
ENGINE_ONLY = (
    "imaging.engine.child",
    "imaging.dicom_out.objects",
    "imaging.confidential.rewriting",
    "imaging.confidential.files",
    "imaging.formats.reading",
    "imaging.inference.pipeline",
    "imaging.inference.cache",
    "imaging.inference.backends",
    "imaging.inference.conversion",
)
DJANGO = ("django", "rest_framework", "django_q", "allauth")
APPS = ("accounts", "imaging.models", "imaging.services", "imaging.selectors", "analytics",
        "reports", "mediscan")  # fmt: skip
UPWARD = ("imaging.views", "imaging.viewer", "imaging.api", "imaging.tasks", "reports.tasks",
          "reports.views")  # fmt: skip

RULES = {  # files: what they must never import
    "imaging/types.py": (*DJANGO, *APPS),
    "imaging/formats/**/*.py": (*DJANGO, *APPS),
    "imaging/inference/**/*.py": (*DJANGO, *APPS),
    "imaging/measures/**/*.py": (*DJANGO, *APPS),
    "imaging/engine/**/*.py": (*DJANGO, *APPS),
    "imaging/dicom_out/**/*.py": (*DJANGO, *APPS),
    "imaging/confidential/**/*.py": (*DJANGO, *APPS),
    "imaging/dimse/peers.py": (*DJANGO, *APPS),
    "imaging/dimse/look.py": (*DJANGO, *APPS),
    "accounts/roles.py": (*DJANGO, *APPS),
    "accounts/notices.py": (*DJANGO, *APPS),
    "accounts/audit/actions.py": (*DJANGO, *APPS),
    "accounts/audit/rows.py": (*DJANGO, *APPS),
    "accounts/tokens/scopes.py": (*DJANGO, "accounts", *APPS),
    "accounts/audit/chain.py": (*DJANGO, *APPS),
    "accounts/audit/devices.py": (*DJANGO, *APPS),
    "accounts/csv_cells.py": (*DJANGO, *APPS),
    "accounts/vault/cipher.py": (*DJANGO, *APPS),
    "accounts/vault/blob_format.py": (*DJANGO, "accounts.models", "accounts.selectors", *APPS[1:]),
    "analytics/charts.py": (*DJANGO, "accounts", "imaging", "reports"),
    "reports/content.py": (*DJANGO, "accounts", "imaging.models", "analytics"),
    "reports/fhir.py": (*DJANGO, *APPS),
    "reports/measures.py": (*DJANGO, *APPS),
    "imaging/models/*.py": ("imaging.services", "reports.services", *UPWARD, *HEAVY),
    "*/models.py": ("imaging.services", "reports.services", *UPWARD, *HEAVY),
    "*/services/**/*.py": (*UPWARD, "rest_framework", *HEAVY, *ENGINE_ONLY),
    "*/selectors.py": (*UPWARD, "imaging.services", *HEAVY),
    "*/views.py": ("imaging.tasks", "reports.tasks", *HEAVY, *ENGINE_ONLY),
    "*/api/**/*.py": ("imaging.tasks", "reports.tasks", *HEAVY, *ENGINE_ONLY),
    "imaging/viewer.py": ("imaging.tasks", *HEAVY, *ENGINE_ONLY),
    "imaging/pages/**/*.py": ("imaging.tasks", *HEAVY, *ENGINE_ONLY),
    "accounts/**/*.py": ("imaging", "analytics", "reports", "mediscan"),
    "imaging/**/*.py": ("analytics", "reports", "mediscan"),
    "reports/**/*.py": ("analytics", "mediscan"),
    "analytics/**/*.py": ("reports", "mediscan"),
}
ONE_DOOR = {  # a name: the only files that may import it
    "django_q": {"imaging/queue.py"},
    "pynetdicom": {"imaging/dimse/listener.py"},
    "django_ratelimit": {"accounts/throttle/rates.py"},
}


def imports(path: Path) -> set[str]:
    """Return the dotted names that the file imports, wherever it does so."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imports_any(name: str, banned: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in banned)


def own_files() -> list[Path]:
    rooms = ("accounts", "imaging", "analytics", "reports", "mediscan")
    return [path for room in rooms for path in (ROOT / room).glob("**/*.py")]


@pytest.mark.parametrize(("pattern", "never"), RULES.items())
def test_layers(pattern, never):
    broken = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in ROOT.glob(pattern)
        if ".venv" not in path.parts and "migrations" not in path.parts
        for name in sorted(imports(path))
        if imports_any(name, never)
    ]
    assert not broken


@pytest.mark.parametrize(("name", "allowed"), ONE_DOOR.items())
def test_one_door(name, allowed):
    users = {
        str(path.relative_to(ROOT))
        for path in own_files()
        if any(imports_any(one, (name,)) for one in imports(path))
    }
    assert users <= allowed


def test_of_allauths_internals_one_name_is_used_and_its_version_is_pinned():
    used = {
        name
        for path in own_files()
        for name in imports(path)
        if name.startswith("allauth.") and ".internal" in name
    }
    assert used == {"allauth.mfa.webauthn.internal.auth.begin_authentication"}
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert re.search(r"^django-allauth\[mfa\]==\d", pinned, re.MULTILINE)


def test_only_env_reads_the_environment():
    allowed = {"mediscan/env.py", "mediscan/bootstrap.py", "mediscan/wsgi.py"}
    pure_children = ("imaging/engine/", "imaging/inference/backends/")
    readers = {
        str(path.relative_to(ROOT))
        for path in own_files()
        if "os.environ" in path.read_text(encoding="utf-8")
        or "os.getenv" in path.read_text(encoding="utf-8")
    }
    assert {one for one in readers - allowed if not one.startswith(pure_children)} == set()


def test_only_the_audit_writes_audit_events():
    writers = {
        str(path.relative_to(ROOT))
        for path in own_files()
        if "AuditEvent.objects.create" in path.read_text(encoding="utf-8")
        or "AuditEvent(" in path.read_text(encoding="utf-8").replace("class AuditEvent(", "")
    }
    assert writers == {"accounts/audit/record.py"}


def test_no_torchvision_and_no_cuda_wheels_came_along():
    from importlib.metadata import distributions

    names = {(dist.metadata["Name"] or "").lower() for dist in distributions()}
    assert "torchvision" not in names
    assert not {"opencv-python", "opencv-python-headless"} <= names
