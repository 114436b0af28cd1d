"""Addresses below /ml/, slashes as MONAI Label's client writes them; none is redirected."""

from django.urls import include, path, register_converter
from django.urls.converters import StringConverter

from imaging.monai_label.datastore import Datastore, ImageFile, ImageInfo, LabelFile, LabelInfo
from imaging.monai_label.entry import Enabled, Token, Valid
from imaging.monai_label.infer import Infer
from imaging.monai_label.info import Info
from imaging.monai_label.next_case import NextCase
from imaging.monai_label.rooms import NotOffered
from imaging.monai_label.sessions import OneSession, Sessions


class LabelTokenConverter(StringConverter):
    """The secret in an address, by its form alone; which it is, and whether it lives, is asked."""

    regex = "[A-Za-z0-9_-]{43}"


register_converter(LabelTokenConverter, "label_token")
app_name = "ml"
rooms = [
    path("auth/", Enabled.as_view(), name="auth"),
    path("auth/token", Token.as_view(), name="auth-token"),
    path("auth/token/valid", Valid.as_view(), name="auth-valid"),
    path("info/", Info.as_view(), name="info"),
    path("session/", Sessions.as_view(), name="sessions"),
    path("session/<str:session>", OneSession.as_view(), name="session"),
    path("infer/<str:model>", Infer.as_view(), name="infer"),
    path("datastore/", Datastore.as_view(), name="datastore"),
    path("datastore/image", ImageFile.as_view(), name="image"),
    path("datastore/image/info", ImageInfo.as_view(), name="image-info"),
    path("datastore/label", LabelFile.as_view(), name="label"),
    path("datastore/label/info", LabelInfo.as_view(), name="label-info"),
    path("activelearning/<str:strategy>", NextCase.as_view(), name="next-case"),
]
at_token = [*rooms, path("<path:rest>", NotOffered.as_view(), name="not-offered")]
urlpatterns = [
    path("<label_token:token>/", include((at_token, "at"))),
    *rooms,  # for who signs in by a header
    path("<path:rest>", NotOffered.as_view(), name="not-offered"),
]
