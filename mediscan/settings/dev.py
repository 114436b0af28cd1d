"""For a person at their own machine: the debug page, plain static files."""

from . import dotenv  # noqa: F401  before anything reads the environment

from .base import *  # noqa: F403
from .base import BASE_DIR, DATA_DIR, STORAGES
from .secrets import SECRET_KEY, VAULT_KEK  # noqa: F401  settings of their own

DEBUG = True
DATA_DIR.mkdir(parents=True, exist_ok=True)
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
WHITENOISE_USE_FINDERS = True
INTERNAL_IPS = ["127.0.0.1"]
LOGS_DIR = BASE_DIR / "var"
