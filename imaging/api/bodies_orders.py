"""What the API says of an order: how far it is, and in the end all that was found."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from imaging.api.bodies import UploadItemBody
from imaging.api.bodies_runs import JobBody, ResultDetailBody
from imaging.models import Order
from imaging.selectors import jobs_told, results_detailed

READING, ANALYSING, FINISHED, REFUSED = "reading", "analysing", "finished", "refused"


class OrderBody(serializers.ModelSerializer):
    """Files and models sent in one call; `problem` says why nothing was run."""

    state = serializers.SerializerMethodField(
        help_text="reading the files; analysing; finished; refused: nothing was run"
    )
    files = UploadItemBody(source="upload.items", many=True, help_text="What became of each file.")
    jobs = serializers.SerializerMethodField()
    results = serializers.SerializerMethodField()
    result_url = serializers.SerializerMethodField(help_text="Where to ask again.")

    class Meta:
        model = Order
        fields = ("id", "state", "problem", "upload", "files", "run", "jobs", "results",
                  "result_url", "created_at")  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(choices=[READING, ANALYSING, FINISHED, REFUSED]))
    def get_state(self, order: Order) -> str:
        if order.closed_at is None:
            return READING
        if order.run_id is None:
            return REFUSED
        return ANALYSING if any(job.is_live for job in self._jobs(order)) else FINISHED

    @extend_schema_field(JobBody(many=True))
    def get_jobs(self, order: Order) -> list[dict[str, Any]]:
        return JobBody(self._jobs(order), many=True).data

    @extend_schema_field(ResultDetailBody(many=True))
    def get_results(self, order: Order) -> list[dict[str, Any]]:
        if order.run_id is None:
            return []
        found = results_detailed(self.context["user"]).filter(job__run=order.run_id)
        return ResultDetailBody(found.order_by("job__position"), many=True).data

    def get_result_url(self, order: Order) -> str:
        return self.context["url"]

    def _jobs(self, order: Order) -> list:
        if order.run_id is None:
            return []
        if not hasattr(order, "_told"):
            order._told = list(jobs_told(self.context["user"]).filter(run=order.run_id))
        return order._told
