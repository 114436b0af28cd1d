"""dev when DEBUG is true, prod otherwise; tests name their own module."""

from . import dotenv  # noqa: F401  before anything reads the environment

from mediscan.env import env_bool

if env_bool("DEBUG", default=False):
    from .dev import *  # noqa: F403  one of the two is the settings
else:
    from .prod import *  # noqa: F403
