"""The queue's own processes; `worker` starts and watches them."""

from __future__ import annotations

from accounts.commands import HouseCommand
from imaging.lifeline import forks_end_with_us
from imaging.queue import cluster_run


class Command(HouseCommand):
    help = "Run the queue's processes. Start `worker` instead: it watches this and recovers work."

    def handle(self, **options) -> None:
        forks_end_with_us()
        cluster_run()
