"""dev when DEBUG is true, prod otherwise; tests name their own module."""

from mediscan.env import env_bool

from .base import DEBUG  # noqa: F401  reads .env first

if env_bool("DEBUG", default=False):
    from .dev import *  # noqa: F403  one of the two is the settings
else:
    from .prod import *  # noqa: F403
