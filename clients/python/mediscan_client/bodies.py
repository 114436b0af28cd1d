"""The answers of the API, as types. The server may add fields; they stand in the dict too."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Modality = Literal["xray", "mri", "ct"]
ExportKind = Literal["pdf", "pdfs", "csv", "xlsx", "masks", "dicom", "dicoms"]
Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class UploadItem(TypedDict):
    """What became of one file; `image` is null where it was refused, `reason` says why."""

    position: int
    name: str
    size: int
    status: str
    code: str
    reason: str
    image: str | None


class Upload(TypedDict):
    """`reading`: files still wait to be read."""

    id: str
    reading: bool
    created_at: str
    finished_at: str | None
    items: list[UploadItem]


class Counts(TypedDict):
    """The jobs of a run by state."""

    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


class RunMember(TypedDict):
    """`share` is the weight over the sum of the weights."""

    model: str
    version: str
    weight: float
    share: float
    device: str


class Run(TypedDict):
    """Models over images."""

    id: str
    title: str
    threshold: float
    fusion: str
    members: list[RunMember]
    jobs: Counts
    is_finished: bool
    skipped: list[dict[str, Any]]
    created_at: str
    cancelled_at: str | None


class Job(TypedDict):
    """One image of a run; `error` says in words why it failed."""

    id: str
    run: str
    image: str
    status: Status
    step: str
    steps_done: int
    steps_total: int
    error: str
    attempt: int
    result: str | None


class Result(TypedDict):
    """What a list of results says.

    said                   the main finding in words.
    affected_area_percent  of what `denominator` names; null where nothing was measured.
    is_analysed            false: the input was not like the training pictures.
    """

    id: str
    job: str
    run: str
    image: str
    study: str
    patient: str
    type: str
    labels: list[str]
    threshold: float
    said: str
    severity: str
    severity_reason: str
    affected_area_percent: float | None
    denominator: str
    disagree: bool
    is_analysed: bool
    created_at: str


class ResultDetail(Result):
    """One result, with its models (`members`) and the maps that can be fetched."""

    severity_rule: dict[str, Any]
    average_lesion_intensity: float | None
    circularity: float | None
    lesions: int | None
    classes: list[dict[str, Any]]
    boxes: list[dict[str, Any]]
    members: list[dict[str, Any]]
    gate: dict[str, Any]
    maps: list[str]


class Order(TypedDict):
    """Files and models in one call; `state`: reading, analysing, finished, refused."""

    id: str
    state: Literal["reading", "analysing", "finished", "refused"]
    problem: str
    upload: str
    files: list[UploadItem]
    run: str | None
    jobs: list[Job]
    results: list[ResultDetail]
    result_url: str


class Measurement(TypedDict):
    """A value with its unit and what it is of; `reason` says why there is none."""

    name: str
    value: float | None
    reason: str
    unit: str
    scope: str
    denominator: str
    threshold: float
    rule: str


class Lesion(TypedDict):
    """One region: its measures stand in `facts`."""

    position: int
    tracking_uid: str
    facts: dict[str, Any]


class Model(TypedDict):
    """A version of a model; `card` says what it is for and what it was measured on."""

    id: str
    name: str
    version: str
    type: str
    framework: str
    modalities: list[str]
    labels: list[str]
    threshold: float
    state: str
    card: dict[str, Any]


class Export(TypedDict):
    """A file in the making; `expires_at` says until when it can be fetched."""

    id: str
    kind: ExportKind
    status: Status
    error: str
    total: int
    done: int
    skipped: int
    created_at: str
    finished_at: str | None
    expires_at: str | None
