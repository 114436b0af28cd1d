"""Flood limits of pages: the one file that imports django-ratelimit."""

from __future__ import annotations

from functools import wraps

from django_ratelimit.core import get_usage

from accounts.throttle.errors import TooManyRequests


def limited(group: str, rate: str):
    """Let each person POST at most `rate` (for instance "60/m") to the views of `group`."""

    def decorate(view):
        @wraps(view)
        def counted(request, *args, **kwargs):
            usage = get_usage(
                request, group=group, key="user", rate=rate, method="POST", increment=True
            )
            if usage is not None and usage["should_limit"]:
                raise TooManyRequests(max(1, int(usage["time_left"])))
            return view(request, *args, **kwargs)

        counted.rate = (group, rate)
        return counted

    return decorate
