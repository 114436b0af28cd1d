"""What must hold before a worker may start: the rules of the queue, an engine without a network."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError

from accounts.vault.ledger import LedgerBroken
from imaging.engine.isolation import confinement, in_words, is_isolated

FIXED = {  # each for a measured reason: docs/adr
    "orm": "default",
    "queue_limit": 1,
    "bulk": 1,
    "ack_failures": True,
    "save_limit": -1,
    "scheduler": False,
}


@register("boot")
def check_queue(**kwargs: Any) -> list[CheckMessage]:
    """The queue must not deliver twice while a task runs, nor keep pickled results."""
    conf = settings.Q_CLUSTER
    errors = [
        Error(f"Q_CLUSTER[{name!r}] must be {value!r}, not {conf.get(name)!r}.", id="imaging.E001")
        for name, value in FIXED.items()
        if conf.get(name) != value
    ]
    least = ((conf["queue_limit"] + 1) / conf["workers"] + 1) * conf["timeout"]
    if conf["retry"] <= least:
        errors.append(
            Error(
                f"Q_CLUSTER['retry'] is {conf['retry']} s: a task that is still running would be"
                f" delivered again. It must be above {least:.0f} s.",
                id="imaging.E002",
            )
        )
    if conf["timeout"] <= settings.ENGINE_CALL_TIMEOUT_S:
        errors.append(
            Error(
                "ENGINE_CALL_TIMEOUT_S must be below Q_CLUSTER['timeout']: the engine's own"
                " deadline comes first.",
                id="imaging.E003",
            )
        )
    return errors


@register("boot")
def check_admin(**kwargs: Any) -> list[CheckMessage]:
    """No queue internals in the admin: its forms let staff schedule os.system."""
    return [
        Error(f"{model.__name__} must not be in the admin.", id="imaging.E004")
        for model in admin.site._registry
        if model._meta.app_label == "django_q"
    ]


@register("boot_engine", deploy=True)
def check_engine(**kwargs: Any) -> list[CheckMessage]:
    """In production a hostile file finds no network, unless that is accepted in writing."""
    if settings.ENVIRONMENT != "production" or settings.ALLOW_ENGINE_NETWORK or is_isolated():
        return []
    return [
        Error(
            "ALLOW_ENGINE_NETWORK: this machine does not let the engine leave the network.",
            hint="Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1; in a container"
            " a seccomp profile that permits unshare), or cut the worker off by a firewall and"
            " accept it in writing: ALLOW_ENGINE_NETWORK=true.",
            id="imaging.E005",
        )
    ]


@register("boot_database", deploy=True)
def check_erasures(**kwargs: Any) -> list[CheckMessage]:
    """A restored backup forgets the erased before it serves."""
    from imaging.services.erasure import erasures_missing  # models: not before the apps are loaded

    try:
        missing = len(erasures_missing())
    except LedgerBroken as error:
        hint = "Bring the ledger back from its copy."
        return [Error(f"ERASURE_LEDGER: {error}.", hint=hint, id="imaging.E006")]
    except DatabaseError:  # what is wrong with the database is said by another check
        return []
    if not missing:
        return []
    text = f"ERASURE_LEDGER names {missing} erased patients whom this database still holds."
    hint = "Run: python manage.py replay_erasures"
    return [Error(text, hint=hint, id="imaging.E007")]


@register("boot_engine", deploy=True)
def check_engine_reach(**kwargs: Any) -> list[CheckMessage]:
    """Files and system calls are closed to a model that runs code, where the kernel can."""
    held = confinement()
    if held.landlock and held.calls_filtered:
        return []
    return [
        Warning(
            f"The engine child is held by less than it could be: {in_words(held)}.",
            hint="Run on Linux 5.13 or newer with Landlock among the security modules"
            " (cat /sys/kernel/security/lsm) and seccomp allowed in the container.",
            id="imaging.W001",
        )
    ]
