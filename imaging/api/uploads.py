"""Uploads by API: files sent, and the receipt of what became of them."""

from __future__ import annotations

from http import HTTPStatus

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.pages import ListQuery
from accounts.api.schema import GONE, READ, SENT, page_of
from accounts.api.waiting import WaitQuery, wait_until
from imaging.api.asking import UploadRequest, place_meant
from imaging.api.bodies import UploadBody, UploadDetailBody
from imaging.api.rooms import Listing
from imaging.api.sending import SentInPieces
from imaging.models import Upload
from imaging.selectors import items_told, uploads_visible_to
from imaging.services.uploads import upload_receive

AGAIN_S = "2"


class Uploads(SentInPieces, Listing):
    required_action = "upload.create"
    queries = {
        "list": ListQuery, "create": WaitQuery, "retrieve": WaitQuery, "close": WaitQuery
    }  # fmt: skip
    scopes = {"create": "upload", "open": "upload", "take": "piece"}
    parser_classes = (MultiPartParser,)

    @extend_schema(parameters=[ListQuery], responses={200: page_of(UploadBody), **READ})
    def list(self, request: Request) -> Response:
        """List the uploads that you may see, newest first."""
        return self.paged(uploads_visible_to(request.user), UploadBody)

    @extend_schema(
        parameters=[WaitQuery],
        request={"multipart/form-data": UploadRequest},
        responses={200: UploadDetailBody, 202: UploadDetailBody, **SENT},
    )
    def create(self, request: Request) -> Response:
        """Send files. Each is kept encrypted and read in the background: 202 until all are."""
        sent = self.sent(UploadRequest)
        place = place_meant(request.user, sent.get("department"))
        upload = upload_receive(
            user=request.user,
            organisation=place.organisation,
            department=place.department,
            files=sent["file"],
            modality=sent.get("modality", ""),
            first_volume=sent["first_volume"],
        )
        return self._receipt(upload.pk)

    @extend_schema(parameters=[WaitQuery], responses={200: UploadDetailBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read the receipt: what became of each file."""
        upload = get_object_or_404(uploads_visible_to(request.user), pk=pk)
        audit.record_once(request.user, "upload.view", upload)  # once, though it is polled
        answer = self._receipt(pk)
        answer.status_code = HTTPStatus.OK
        return answer

    def _receipt(self, pk) -> Response:
        is_read = Upload.objects.filter(pk=pk, finished_at__isnull=False).exists
        done = wait_until(is_read, self.asked()["wait"])
        upload = Upload.objects.prefetch_related(Prefetch("items", items_told())).get(pk=pk)
        headers = {"Location": reverse("api:upload-detail", args=[pk])}
        if not done:
            headers["Retry-After"] = AGAIN_S
        status = HTTPStatus.OK if done else HTTPStatus.ACCEPTED
        return Response(UploadDetailBody(upload).data, status, headers=headers)
