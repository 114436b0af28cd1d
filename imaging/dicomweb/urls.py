"""Addresses below /dicomweb/ (PS3.18 10.4 to 10.6); none ends in a slash."""

from django.urls import path

from imaging.dicomweb.retrieve import Frames, Metadata, Originals, Rendered, Thumbnail
from imaging.dicomweb.search import InstanceSearch, SeriesSearch
from imaging.dicomweb.store import OneStudy, Studies

app_name = "dicomweb"
STUDY = "studies/<str:study>"
SERIES = f"{STUDY}/series/<str:series>"
INSTANCE = f"{SERIES}/instances/<str:instance>"
urlpatterns = [
    path("studies", Studies.as_view(), name="studies"),
    path("series", SeriesSearch.as_view(), name="all-series"),
    path("instances", InstanceSearch.as_view(), name="all-instances"),
    path(f"{STUDY}/series", SeriesSearch.as_view(), name="study-series"),
    path(f"{STUDY}/instances", InstanceSearch.as_view(), name="study-instances"),
    path(f"{SERIES}/instances", InstanceSearch.as_view(), name="series-instances"),
    path(STUDY, OneStudy.as_view(), name="study"),
    path(SERIES, Originals.as_view(), name="one-series"),
    path(INSTANCE, Originals.as_view(), name="instance"),
    path(f"{STUDY}/metadata", Metadata.as_view(), name="study-metadata"),
    path(f"{SERIES}/metadata", Metadata.as_view(), name="series-metadata"),
    path(f"{INSTANCE}/metadata", Metadata.as_view(), name="instance-metadata"),
    path(f"{INSTANCE}/frames/<str:frames>", Frames.as_view(), name="frames"),
    path(f"{INSTANCE}/rendered", Rendered.as_view(), name="rendered"),
    path(f"{INSTANCE}/frames/<str:frames>/rendered", Rendered.as_view(), name="frame-rendered"),
    path(f"{INSTANCE}/thumbnail", Thumbnail.as_view(), name="thumbnail"),
]
