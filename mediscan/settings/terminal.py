"""For `analyze`, `validate` and `inspect`: no database, no secret, nothing stored."""

import secrets

from . import dotenv  # noqa: F401  before anything reads the environment

from .base import *  # noqa: F403

SECRET_KEY = secrets.token_urlsafe(48)
VAULT_KEK = secrets.token_bytes(32)
DATABASES: dict = {}
