"""QIDO-RS: studies, series and instances that came as DICOM (PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from rest_framework.request import Request

from accounts import audit
from accounts.vault.fields import blind_index
from imaging.dicomweb.attributes import INSTANCE, SERIES, STUDY, Json, chosen, in_order, value
from imaging.dicomweb.query import (
    BY_INSTANCE,
    BY_PERSON,
    BY_SERIES,
    BY_STUDY,
    Asked,
    read_query,
)
from imaging.dicomweb.rooms import DicomwebRoom, header_told, json_answer
from imaging.models import Instance, Series, Study
from imaging.selectors import instances_visible_to, studies_visible_to

SCANNED = 5_000  # study dates are sealed: so many are opened to find a day, the newest first
ALWAYS = ["00080005"]
MORE = '299 mediscan "There are additional results that can be requested."'
CUT = f'299 mediscan "Only the newest {SCANNED} studies were looked through for a date."'


class Search(DicomwebRoom):
    """One level of the search."""

    known: frozenset[str] = frozenset()

    def initial(self, request: Request, *args, **kwargs) -> None:
        self.parameters = frozenset(request.query_params)  # each is checked by what it asks
        super().initial(request, *args, **kwargs)

    def get(self, request: Request, study: str = "", series: str = "") -> HttpResponse:
        asked = read_query(request.query_params, self.known)
        audit.record(request.user, "record.list_api", reason=f"dicomweb {self.level}")
        found, warning = self.rows(request, asked, study, series)
        answer = json_answer(request, found)
        if warning:
            answer["Warning"] = warning
        return answer


class StudySearch(Search):
    level = "studies"
    known = frozenset(BY_STUDY | BY_PERSON)

    def rows(self, request: Request, asked: Asked, study: str, series: str):
        studies = studies_asked(request.user, asked).order_by("-created_at", "-id")
        found, warning = _page_of_days(studies, asked)
        heads = _heads(request.user, "study", found)
        base = request.build_absolute_uri("/dicomweb")
        shown = [one for one in found if one.pk in heads]
        told = [_study_row(request.user, one, heads, asked, base) for one in shown]
        return told, warning


class SeriesSearch(Search):
    level = "series"
    known = frozenset(BY_STUDY | BY_SERIES | BY_PERSON)

    def rows(self, request: Request, asked: Asked, study: str, series: str):
        mine = instances_asked(request.user, asked, study, series)
        rows = Series.objects.filter(Exists(mine.filter(series=OuterRef("pk"))))
        rows = rows.select_related("study").order_by("-study__created_at", "created_at", "id")
        found, warning = _page(rows, asked)
        heads = _heads(request.user, "series", found)
        base = request.build_absolute_uri("/dicomweb")
        told = [
            _series_row(request.user, one, heads, asked, base, is_alone=not study)
            for one in found
            if one.pk in heads
        ]
        return told, _cut(request.user, asked) or warning


class InstanceSearch(Search):
    level = "instances"
    known = frozenset(BY_STUDY | BY_SERIES | BY_INSTANCE | BY_PERSON)

    def rows(self, request: Request, asked: Asked, study: str, series: str):
        mine = instances_asked(request.user, asked, study, series)
        mine = mine.select_related("study__patient", "series").order_by(
            "-study__created_at", "series__created_at", "series", "number", "sop_instance_uid"
        )
        found, warning = _page(mine, asked)
        base = request.build_absolute_uri("/dicomweb")
        told = [_instance_row(request.user, one, asked, base, study, series) for one in found]
        return told, _cut(request.user, asked) or warning


def studies_asked(user, asked: Asked) -> QuerySet[Study]:
    """Return the studies with something for DICOMweb that fit, but for their day."""
    mine = instances_visible_to(user).filter(study=OuterRef("pk"))
    found = studies_visible_to(user).filter(Exists(mine)).select_related("patient")
    if "StudyInstanceUID" in asked.uids:
        found = found.filter(study_instance_uid__in=asked.uids["StudyInstanceUID"])
    if asked.modalities:
        found = found.filter(Exists(mine.filter(modality__in=asked.modalities)))
    for keyword, text in asked.exact.items():
        found = found.filter(pk__in=_named(found, keyword, text))
    return found


def instances_asked(user, asked: Asked, study: str, series: str) -> QuerySet[Instance]:
    """Return the instances that fit, of one study and series where the address names them."""
    studies = studies_asked(user, asked)
    if study:
        studies = studies.filter(study_instance_uid=study)
    if asked.days:
        days = studies.order_by("-created_at", "-id")[:SCANNED]
        studies = studies.filter(pk__in=[one.pk for one in days if _is_of(one, asked.days)])
    found = instances_visible_to(user).filter(study__in=studies.order_by())
    if series:
        found = found.filter(series__series_instance_uid=series)
    for keyword, path in (
        ("SeriesInstanceUID", "series__series_instance_uid"),
        ("SOPInstanceUID", "sop_instance_uid"),
        ("SOPClassUID", "sop_class_uid"),
    ):
        if keyword in asked.uids:
            found = found.filter(**{f"{path}__in": asked.uids[keyword]})
    if asked.modality:
        found = found.filter(modality__in=asked.modality)
    return found if asked.number is None else found.filter(number=asked.number)


def _named(studies: QuerySet[Study], keyword: str, text: str) -> list:
    """Find by blind index, in each house that the studies are of."""
    found: list = []
    for house in set(studies.order_by().values_list("organisation", flat=True)):
        column, path = {
            "PatientID": ("record_number", "patient__mrn_index"),
            "AccessionNumber": ("accession_number", "accession_index"),
        }[keyword]
        index = blind_index(house, column, text)
        here = studies.filter(**{path: index}, organisation=house)
        found += here.values_list("pk", flat=True)
    return found


def _page(rows: QuerySet, asked: Asked) -> tuple[list, str]:
    some = list(rows[asked.offset : asked.offset + asked.limit + 1])
    return some[: asked.limit], MORE if len(some) > asked.limit else ""


def _page_of_days(studies: QuerySet[Study], asked: Asked) -> tuple[list[Study], str]:
    """Return the page, by opening study dates where days are asked for."""
    if asked.days is None:
        return _page(studies, asked)
    fitting: list[Study] = []
    for looked, study in enumerate(_some(studies, SCANNED + 1)):
        if looked == SCANNED:
            return fitting[asked.offset :][: asked.limit], CUT
        if _is_of(study, asked.days):
            fitting.append(study)
            if len(fitting) > asked.offset + asked.limit:
                return fitting[asked.offset : -1], MORE
    return fitting[asked.offset :], ""


def _cut(user, asked: Asked) -> str:
    """Say where a search below studies did not look at every one that could be of its days."""
    return CUT if asked.days and studies_asked(user, asked).count() > SCANNED else ""


def _some(rows: QuerySet, most: int) -> Iterator:
    return rows[:most].iterator(chunk_size=500)


def _is_of(study: Study, days: tuple[date | None, date | None]) -> bool:
    """Whether the study is of these days; one without a date is of none."""
    try:
        day = date.fromisoformat(study.studied_at[:10])
    except ValueError:
        return False
    first, last = days
    return (first is None or day >= first) and (last is None or day <= last)


def _heads(user, of: str, rows: Sequence) -> dict:
    """Return by study or series the instance that speaks for it."""
    mine = instances_visible_to(user).filter(**{f"{of}__in": [one.pk for one in rows]})
    first = mine.filter(**{of: OuterRef(of)}).order_by("number", "sop_instance_uid", "id")
    heads = mine.filter(pk=Subquery(first.values("pk")[:1])).select_related(
        "study__patient", "series"
    )
    counts: dict = {}
    told_of = mine.order_by().values_list(f"{of}_id", "series", "modality")
    for key, series, modality in told_of.iterator():  # a page may hold a million
        told = counts.setdefault(key, [0, set(), set()])
        told[0] += 1
        told[1].add(series)
        told[2].add(modality)
    return {getattr(one, f"{of}_id"): (one, *counts[getattr(one, f"{of}_id")]) for one in heads}


def _study_row(user, study: Study, heads: dict, asked: Asked, base: str) -> Json:
    head, instances, series, modalities = heads[study.pk]
    told = header_told(user, head)
    tags = [*STUDY.values(), *ALWAYS, *_wanted(asked, told, STUDY)]
    return in_order(
        chosen(told, tags)
        | {
            "00080056": value("CS", "ONLINE"),
            "00080061": value("CS", *sorted(filter(None, modalities))),
            "00081190": value("UR", f"{base}/studies/{study.study_instance_uid}"),
            "00201206": value("IS", len(series)),
            "00201208": value("IS", instances),
        }
    )


def _series_row(
    user, series: Series, heads: dict, asked: Asked, base: str, *, is_alone: bool
) -> Json:
    head, instances, _series, _modalities = heads[series.pk]
    told = header_told(user, head)
    named = {**SERIES, **STUDY} if is_alone else SERIES
    tags = [*named.values(), *ALWAYS, STUDY["StudyInstanceUID"], *_wanted(asked, told, SERIES)]
    study = series.study.study_instance_uid
    return in_order(
        chosen(told, tags)
        | {
            "00080056": value("CS", "ONLINE"),
            "00081190": value("UR", f"{base}/studies/{study}/series/{series.series_instance_uid}"),
            "00201209": value("IS", instances),
        }
    )


def _instance_row(
    user, instance: Instance, asked: Asked, base: str, study: str, series: str
) -> Json:
    told = header_told(user, instance)
    named = {**INSTANCE, **({} if series else SERIES), **({} if study else STUDY)}
    uids = (STUDY["StudyInstanceUID"], SERIES["SeriesInstanceUID"], SERIES["Modality"])
    tags = [*named.values(), *ALWAYS, *uids, *_wanted(asked, told, told)]
    return in_order(
        chosen(told, tags)
        | {
            "00080056": value("CS", "ONLINE"),
            "00081190": value("UR", instance_url(base, instance)),
        }
    )


def instance_url(base: str, instance: Instance) -> str:
    study, series = instance.study.study_instance_uid, instance.series.series_instance_uid
    return f"{base}/studies/{study}/series/{series}/instances/{instance.sop_instance_uid}"


def _wanted(asked: Asked, told: Json, level: Iterable[str]) -> Iterable[str]:
    """The attributes that are asked for beside the usual: those named, or all of this level."""
    return told.keys() if asked.is_all and level is told else asked.include
