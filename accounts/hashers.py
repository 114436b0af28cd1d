"""Argon2id at the OWASP minimum: Django's default asks 100 MiB for each login."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    memory_cost, time_cost, parallelism = 19_456, 2, 1
