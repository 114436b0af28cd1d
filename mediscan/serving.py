"""The web server's own lines, in the form of all others."""

from __future__ import annotations

from django.conf import settings
from gunicorn.glogging import Logger

from mediscan.logs import JsonLine


class ServerLog(Logger):
    """gunicorn makes its handlers itself; ours only gives them the house's line."""

    def setup(self, cfg) -> None:
        super().setup(cfg)
        if settings.LOG_FORMAT == "json":
            for handler in self.error_log.handlers:
                handler.setFormatter(JsonLine())
