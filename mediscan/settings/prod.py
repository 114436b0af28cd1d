"""For `make start` and for servers: no debug page, hashed static files."""

from . import dotenv  # noqa: F401  before anything reads the environment

from .base import *  # noqa: F403
from .base import DATA_DIR, PUBLIC_BASE_URL
from .secrets import SECRET_KEY, VAULT_KEK  # noqa: F401  settings of their own

DATA_DIR.mkdir(parents=True, exist_ok=True)
if PUBLIC_BASE_URL.startswith("https://"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
