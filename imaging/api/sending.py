"""Large files by API, in pieces that go on after a break, as the upload page sends them."""

from __future__ import annotations

from http import HTTPStatus

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.parsers import Json
from accounts.api.problems import Problem
from accounts.api.schema import GONE, READ, SENT
from accounts.api.waiting import WaitQuery
from imaging.api.asking import place_meant
from imaging.api.bodies import UploadDetailBody
from imaging.models import ItemStatus, Modality, Upload, UploadItem
from imaging.selectors import uploads_visible_to
from imaging.services.parcels import (
    Coming,
    upload_close,
    upload_give_up,
    upload_open,
)
from imaging.services.pieces import HASH, OFFSET, PART_BYTES, Closed, Piece, pieces_take

HEX = r"^[0-9a-f]{64}$"
LONGEST_NAME = 1000
LARGEST = 2**53 - 1
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class ComingRequest(serializers.Serializer):
    name = serializers.CharField(max_length=LONGEST_NAME)
    size = serializers.IntegerField(min_value=0, max_value=LARGEST, help_text="Bytes.")
    sha256 = serializers.RegexField(
        HEX, help_text="Of the whole file: by it the file is known again after a break."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "One volume",
            {"modality": "ct", "files": [{"name": "ct.nii.gz", "size": 73400320, "sha256": SHA}]},
            request_only=True,
        )
    ]
)
class OpenRequest(serializers.Serializer):
    """The files that are to come. Sent again with the same files, an open upload goes on."""

    files = ComingRequest(many=True, allow_empty=False, max_length=2000)
    modality = serializers.ChoiceField(
        choices=Modality.choices, required=False, help_text="For files that do not say; DICOM does."
    )
    first_volume = serializers.BooleanField(required=False, default=False)
    keep_known = serializers.BooleanField(
        required=False, default=False, help_text="Keep a picture that is here a second time."
    )
    department = serializers.UUIDField(required=False, help_text="Unsaid: where you joined first.")


class PieceRequest(serializers.Serializer):
    """One piece: `piece_bytes` long, but the last of a file, which is the rest."""

    item = serializers.UUIDField(help_text="The file, as opening answered it.")
    offset = serializers.IntegerField(min_value=0, max_value=LARGEST)
    sha256 = serializers.RegexField(HEX, help_text="Of this piece.")
    piece = serializers.FileField(allow_empty_file=True)


class ComingBody(serializers.ModelSerializer):
    """How far a file is: `received` bytes are here; the next piece begins there."""

    item = serializers.UUIDField(source="pk")
    received = serializers.SerializerMethodField()

    class Meta:
        model = UploadItem
        fields = ("item", "name", "size", "received", "status", "code", "reason")

    def get_received(self, item: UploadItem) -> int:
        return item.received if item.status == ItemStatus.COMING else item.size


class OpenBody(serializers.ModelSerializer):
    piece_bytes = serializers.SerializerMethodField()
    files = ComingBody(source="in_order", many=True)

    class Meta:
        model = Upload
        fields = ("id", "open_until", "piece_bytes", "files")

    def get_piece_bytes(self, upload: Upload) -> int:
        return PART_BYTES


class SentInPieces:
    """What the room of uploads does beside taking whole files."""

    @extend_schema(request=OpenRequest, responses={201: OpenBody, **SENT})
    @action(detail=False, methods=["post"], parser_classes=[Json])
    def open(self, request: Request) -> Response:
        """Announce files that come in pieces; each is answered with how much of it is here."""
        sent = self.sent(OpenRequest)
        place = place_meant(request.user, sent.pop("department", None))
        files = [Coming(one["name"], one["size"], one["sha256"]) for one in sent.pop("files")]
        upload, items = upload_open(
            user=request.user,
            organisation=place.organisation,
            department=place.department,
            files=files,
            **sent,
        )
        headers = {"Location": reverse("api:upload-pieces", args=[upload.pk])}
        return Response(_state(upload.pk, items), HTTPStatus.CREATED, headers=headers)

    @extend_schema(responses={200: OpenBody, **READ, **GONE})
    @action(detail=True)
    def pieces(self, request: Request, pk) -> Response:
        """Say how much of each file is here, to go on after a break."""
        upload = get_object_or_404(uploads_visible_to(request.user), pk=pk)
        audit.record_once(request.user, "upload.view", upload)
        return Response(_state(pk))

    @extend_schema(
        request={"multipart/form-data": PieceRequest},
        responses={200: ComingBody, **SENT, **GONE},
    )
    @pieces.mapping.post
    def take(self, request: Request, pk) -> Response:
        """Send one piece. 409 where it did not fit, with what is here; once more does no harm."""
        upload, sent = self._open_upload(pk), self.sent(PieceRequest)
        file = sent["piece"]
        if file.size > PART_BYTES:
            raise Problem(413, "too_large", _("A piece is at most piece_bytes long."))
        piece = Piece(sent["item"], sent["offset"], sent["sha256"], file, file.size)
        try:
            ((item, fault),) = pieces_take(upload, [piece])
        except Closed:
            raise _closed() from None
        if fault:
            raise Problem(409, FAULTS[fault], WORDS[fault], more={"file": ComingBody(item).data})
        return Response(ComingBody(item).data)

    @extend_schema(
        parameters=[WaitQuery],
        request=None,
        responses={200: UploadDetailBody, 202: UploadDetailBody, **SENT, **GONE},
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk) -> Response:
        """End the sending: what is here is read; half a file is refused by name."""
        upload_close(self._open_upload(pk))
        return self._receipt(pk)

    @extend_schema(responses={204: None, **SENT, **GONE})
    def destroy(self, request: Request, pk) -> Response:
        """Give an open upload up: of what was sent nothing is kept."""
        upload_give_up(self._open_upload(pk))
        return Response(status=HTTPStatus.NO_CONTENT)

    def _open_upload(self, pk) -> Upload:
        """Return an open upload of one's own; there is no sending for somebody else."""
        seen = uploads_visible_to(self.request.user)
        upload = get_object_or_404(seen.select_related("organisation__plan", "user"), pk=pk)
        if upload.open_until is None or upload.open_until <= now():
            raise _closed()
        if upload.user_id != self.request.user.pk:
            raise PermissionDenied(_("Only whoever opened this upload sends to it."))
        return upload


FAULTS = {OFFSET: "wrong_offset", HASH: "wrong_sha256"}
WORDS = {
    OFFSET: "The piece does not begin where the next one must, or has another length: see file.",
    HASH: "The piece is not what its sha256 says, or another one is here at this place.",
}


def _closed() -> Problem:
    return Problem(409, "upload_closed", _("This upload takes no more: it was closed."))


def _state(pk, items: list[UploadItem] | None = None) -> dict:
    upload = Upload.objects.get(pk=pk)
    upload.in_order = items if items is not None else list(upload.items.order_by("position"))
    return OpenBody(upload).data
