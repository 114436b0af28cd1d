"""prod when ENVIRONMENT is production, dev otherwise; tests name their own module."""

from . import dotenv  # noqa: F401  before anything reads the environment

from mediscan.env import PRODUCTION, environment

if environment() == PRODUCTION:
    from .prod import *  # noqa: F403  one of the two is the settings
else:
    from .dev import *  # noqa: F403
