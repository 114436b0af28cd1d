"""The code that opens the page of the first administrator."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import CommandError
from django.urls import reverse

from accounts.commands import HouseCommand
from accounts.services.setup import LIVES, setup_code, setup_is_open


class Command(HouseCommand):
    help = "Print a code with which the first administrator is made in a browser."

    def handle(self, **options) -> None:
        if not setup_is_open():
            raise CommandError("There is an administrator already; this page is closed.")
        address = settings.PUBLIC_BASE_URL.rstrip("/") + reverse("accounts:setup")
        self.stdout.write(f"  page  {address}")
        self.stdout.write(f"  code  {setup_code()}")
        minutes = int(LIVES.total_seconds() // 60)
        self.stdout.write(f"It holds for {minutes} minutes and for one administrator.")
