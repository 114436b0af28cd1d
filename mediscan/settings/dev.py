"""For trying and building: runs as a server does, open at the door; DEBUG adds the debug page."""

from . import dotenv  # noqa: F401  before anything reads the environment

from mediscan.env import env_bool, env_choice
from .base import *  # noqa: F403
from .base import DATA_DIR, PUBLIC_BASE_URL, STORAGES
from .secrets import *  # noqa: F403  SECRET_KEY, VAULT_KEK and what may stand beside it

if PUBLIC_BASE_URL.startswith("https://"):
    from .https import *  # noqa: F403

ENVIRONMENT = "development"
SECOND_FACTOR = env_choice("SECOND_FACTOR", ("admin", "always"), "admin")
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PUBLIC_BASE_URL.startswith("https://")  # localhost only
DEBUG = env_bool("DEBUG", default=False)
DATA_DIR.mkdir(parents=True, exist_ok=True)
if DEBUG:
    STORAGES = STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    WHITENOISE_USE_FINDERS = True
    INTERNAL_IPS = ["127.0.0.1"]
