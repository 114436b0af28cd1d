"""What gunicorn serves."""

import ctypes
import os

from django.core.wsgi import get_wsgi_application

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h of glibc
_LARGE_BYTES, _ARENAS = 128 * 1024, 2


def give_memory_back() -> None:
    """Let every large array return to the system when it is freed.

    Left alone, glibc learns to keep blocks of the largest size ever freed, and gives each thread
    of the server an arena of its own, so that each would hold a few pictures for ever. Other C
    libraries have no such habit.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, _ARENAS)


give_memory_back()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediscan.settings.chosen")
application = get_wsgi_application()

from accounts.boot import refuse_unsafe_start  # noqa: E402  the apps are loaded by now

refuse_unsafe_start("boot", "boot_database")
