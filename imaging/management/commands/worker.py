"""The background worker of this machine: one cluster, supervised."""

from __future__ import annotations

from django.core.management import call_command

from accounts.boot import refuse_unsafe_start
from accounts.commands import HouseCommand
from imaging.services.supervisor import Supervisor


class Command(HouseCommand):
    help = "Run the background worker until SIGTERM or Ctrl-C: cluster, recovery, watchdog."

    def handle(self, **options) -> None:
        refuse_unsafe_start("boot", "boot_engine")
        call_command("replay_erasures", verbosity=0)
        refuse_unsafe_start("boot_database")
        Supervisor().run()
