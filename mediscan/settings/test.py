"""For the test suite: fast hashing, a scratch data folder, nothing from .env."""

import tempfile
from pathlib import Path

from .base import *  # noqa: F403
from .base import BASE_DIR, DATABASES, REST_FRAMEWORK, STORAGES

SECRET_KEY = "only-for-tests-" + "x" * 40
VAULT_KEK = bytes(range(32))
_FOLDER = tempfile.TemporaryDirectory(prefix="mediscan-test-", ignore_cleanup_errors=True)
DATA_DIR = Path(_FOLDER.name)  # gone when the process ends
MODELS_DIR = BASE_DIR / "models"
MODEL_STORE = DATA_DIR / "models"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir()
AUDIT_CHECKPOINTS = DATA_DIR / "audit-checkpoints.jsonl"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["NAME"] = DATA_DIR / "db.sqlite3"
    # a file: the live server and the engine's threads open connections of their own
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003", "django_ratelimit.W001", "auth.W004"]
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
ACCOUNT_RATE_LIMITS = False
REST_FRAMEWORK = REST_FRAMEWORK | {
    "DEFAULT_THROTTLE_RATES": dict.fromkeys(REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])
}
KIT = True
EVEN_TIME_S = 0  # S7 measures it
