"""For patients' data: https alone, a second factor for all; mediscan/guards.py refuses the rest.

DEBUG and SECOND_FACTOR are read so that a wrong value is refused by name at start, not ignored.
"""

from . import dotenv  # noqa: F401  before anything reads the environment

from mediscan.env import env_bool, env_list, env_str
from .base import *  # noqa: F403
from .base import DATA_DIR, SILENCED_SYSTEM_CHECKS
from .https import *  # noqa: F403
from .secrets import *  # noqa: F403  SECRET_KEY, VAULT_KEK and what may stand beside it

ENVIRONMENT = "production"
SECOND_FACTOR = env_str("SECOND_FACTOR", "always")
DEBUG = env_bool("DEBUG", default=False)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", [])
# the browsers' preload list binds a whole domain: its owner asks for that, not we
SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "security.W021"]
DATA_DIR.mkdir(parents=True, exist_ok=True)
