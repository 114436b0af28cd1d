"""Results by API: what was found, its numbers, its maps and its mask."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.problems import Problem
from accounts.api.rooms import AnyAnswer
from accounts.api.schema import FILE, GONE, READ, page_of, refusals
from imaging.api.bodies_runs import (
    LesionBody,
    MeasurementBody,
    ResultBody,
    ResultDetailBody,
    ThresholdBody,
)
from imaging.api.cuts import measurements_at, overlay_drawn
from imaging.api.queries import CutQuery, MaskQuery, OverlayQuery, ResultQuery, narrowed
from imaging.api.rooms import Listing
from imaging.mask_files import NIFTI, PNG, mask_file
from imaging.models import Result, ResultMap
from imaging.ranges import blob_response
from imaging.selectors import results_detailed, results_visible_to

KINDS = {PNG: "image/png", NIFTI: "application/gzip"}


class Results(Listing):
    required_action = "result.view"
    queries = {
        "list": ResultQuery, "mask": MaskQuery, "measurements": CutQuery, "overlay": OverlayQuery
    }  # fmt: skip

    @extend_schema(parameters=[ResultQuery], responses={200: page_of(ResultBody), **READ})
    def list(self, request: Request) -> Response:
        """List the results that you may see, newest first."""
        rows = narrowed(
            results_visible_to(request.user).defer("table", "ranges", "slices"),
            self.asked(),
            run="job__run",
            study="image__study",
        )
        return self.paged(rows, ResultBody)

    @extend_schema(responses={200: ResultDetailBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one result; the trail notes it, as of the page."""
        result = get_object_or_404(results_detailed(request.user), pk=pk)
        audit.record_view(request.user, "result.view", result)
        return Response(ResultDetailBody(result).data)

    @extend_schema(responses={200: LesionBody(many=True), **READ, **GONE})
    @action(detail=True, pagination_class=None)
    def lesions(self, request: Request, pk) -> Response:
        """List the connected regions at the saved threshold."""
        return Response(LesionBody(self._read(pk).lesions.all(), many=True).data)

    @extend_schema(
        parameters=[CutQuery],
        responses={200: MeasurementBody(many=True), **READ, **GONE, **refusals(422)},
    )
    @action(detail=True, pagination_class=None)
    def measurements(self, request: Request, pk) -> Response:
        """List the numbers, each with unit, denominator and rule; of another threshold by `t`."""
        result = self._read(pk)
        rows = measurements_at(result, self.asked().get("t", result.threshold))
        return Response(MeasurementBody(rows, many=True).data)

    @extend_schema(
        parameters=[OverlayQuery],
        responses={(200, "image/png"): FILE, **READ, **GONE, **refusals(422)},
    )
    @action(detail=True, content_negotiation_class=AnyAnswer)
    def overlay(self, request: Request, pk) -> HttpResponse:
        """Answer one layer of one slice, a PNG: outline, mask, heat, disagreement, the original."""
        result = self._read(pk)
        return HttpResponse(overlay_drawn(result, self.asked()), content_type="image/png")

    @extend_schema(responses={200: ThresholdBody(many=True), **READ, **GONE})
    @action(detail=True, pagination_class=None)
    def thresholds(self, request: Request, pk) -> Response:
        """List what the mask measures at other thresholds, without another run."""
        return Response(ThresholdBody(self._read(pk).table, many=True).data)

    @extend_schema(
        parameters=[MaskQuery],
        responses={
            (200, "image/png"): FILE,
            (200, "application/gzip"): FILE,
            **READ,
            **GONE,
            **refusals(422),
        },
    )
    @action(detail=True, content_negotiation_class=AnyAnswer)
    def mask(self, request: Request, pk) -> HttpResponse:
        """Answer the binary mask that counts: the reader's, else that of the models."""
        result = self._result(pk)
        kind = self.asked().get("kind", "")
        if not result.is_measured:
            raise Problem(422, "no_mask", "This result has no mask: it is no segmentation.")
        if kind == PNG and result.image.depth > 1:
            raise Problem(422, "no_png", "A volume's mask is a NIfTI: ask for nii.gz.")
        ending, content = mask_file(result, kind)
        audit.record(request.user, "image.download", result, reason="mask")
        answer = HttpResponse(content, content_type=KINDS[ending])
        name = f"result-{str(result.pk)[:8]}-mask.{ending}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    @extend_schema(responses={(200, "application/octet-stream"): FILE, **READ, **GONE})
    @action(detail=True, url_path="maps/<slug:name>", content_negotiation_class=AnyAnswer)
    def maps(self, request: Request, pk, name: str) -> HttpResponse:
        """Answer one map: uint8 (Z, Y, X), 255 is a probability of one; takes one `Range`."""
        found = ResultMap.objects.filter(result__in=results_visible_to(request.user).filter(pk=pk))
        shown = get_object_or_404(found.select_related("blob", "result"), name=name)
        audit.record_once(request.user, "result.view", shown.result)
        return blob_response(request._request, shown.blob, content_type="application/octet-stream")

    def _result(self, pk) -> Result:
        return get_object_or_404(results_visible_to(self.request.user), pk=pk)

    def _read(self, pk) -> Result:
        """Return the result of which a part is read: one view, however many parts."""
        result = self._result(pk)
        audit.record_once(self.request.user, "result.view", result)
        return result
