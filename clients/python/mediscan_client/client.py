"""Upload, run, wait, download."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

import httpx

from mediscan_client.bodies import (
    Export,
    ExportKind,
    Job,
    Lesion,
    Measurement,
    Modality,
    Model,
    Order,
    Result,
    ResultDetail,
    Run,
    Upload,
)
from mediscan_client.pieces import Sent, send_large
from mediscan_client.wire import Wire

API = "/api/v1/"
WAIT_S = 10  # what the server may hold an answer back for
TIMEOUT = httpx.Timeout(30.0, read=60.0, write=120.0)
LIVE = ("queued", "running")
Waited = TypeVar("Waited", Order, Upload, Run, Export)


@dataclass(frozen=True, slots=True)
class Member:
    """A model of an ensemble: its name or `name@version`, its weight, where it computes.

    device   auto, cpu, gpu, cuda:0; where it does not fit the server falls back and says so.
    """

    model: str
    weight: float = 1.0
    device: str = "auto"


class MediScan:
    """A MediScan server, asked by one key or person; one thread at a time.

    base_url   where people open the site.
    auth       ApiKey or SignIn.
    verify     httpx's: an SSL context for a hospital's own certificate authority.
    """

    def __init__(
        self, base_url: str, auth: httpx.Auth, *, verify: Any = True, timeout: Any = TIMEOUT
    ) -> None:
        self._wire = Wire(
            httpx.Client(base_url=base_url, auth=auth, verify=verify, timeout=timeout)
        )

    def __enter__(self) -> MediScan:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._wire.close()

    # --- in

    def models(self, **filters: str) -> Iterator[Model]:
        """Yield the models that may be chosen; filters as `/docs` names them."""
        return cast(
            Iterator[Model], self._wire.pages(f"{API}models/", {"state": "active"} | filters)
        )

    def upload(
        self, paths: Iterable[str | os.PathLike[str]], modality: Modality | None = None
    ) -> Upload:
        """Send files; `modality` is for those that do not say it themselves. Not awaited."""
        fields = {"modality": modality} if modality else {}
        return cast(Upload, self._wire.send_files(f"{API}uploads/", paths, fields))

    def upload_large(
        self,
        paths: Iterable[str | os.PathLike[str]],
        modality: Modality | None = None,
        *,
        told: Sent | None = None,
    ) -> Upload:
        """Send files in pieces; called again with the same files after a break, it goes on.

        told   hears of each piece: the file's name, how many bytes are there, and of how many.
        """
        fields = {"modality": modality} if modality else {}
        return cast(Upload, send_large(self._wire, f"{API}uploads/", paths, fields, told))

    def analyze(
        self,
        modality: Modality,
        paths: Iterable[str | os.PathLike[str]],
        *,
        members: Sequence[Member] = (),
        ensemble: str | None = None,
        threshold: float | None = None,
        key: str | None = None,
    ) -> Order:
        """Send files and say what analyses them, in one call. Not awaited.

        key   names this order: sent again, it is the same one. Made here if unsaid.
        """
        fields: dict[str, Any] = {
            "model_name": [one.model for one in members],
            "weight": [str(one.weight) for one in members],
            "device": [one.device for one in members],
        }
        fields |= {"ensemble": ensemble} if ensemble else {}
        fields |= {"threshold": str(threshold)} if threshold is not None else {}
        body = self._wire.send_files(f"/api/{modality}/analyze", paths, fields, key or _fresh_key())
        return cast(Order, body)

    def run(
        self,
        *,
        images: Sequence[str] = (),
        studies: Sequence[str] = (),
        uploads: Sequence[str] = (),
        members: Sequence[Member] = (),
        ensemble: str | None = None,
        threshold: float | None = None,
        key: str | None = None,
    ) -> Run:
        """Ask for a run over what is on the server. Not awaited; `key` as in `analyze`."""
        lists = {"images": list(images), "studies": list(studies), "uploads": list(uploads),
                 "members": [asdict(one) for one in members]}  # fmt: skip
        body: dict[str, Any] = {name: values for name, values in lists.items() if values}
        body |= {"ensemble": ensemble} if ensemble else {}
        body |= {"threshold": threshold} if threshold is not None else {}
        return cast(Run, self._wire.post(f"{API}runs/", json=body, key=key or _fresh_key()))

    def cancel(self, run: str) -> Run:
        """Stop a run; what is done of it stays."""
        return cast(Run, self._wire.post(f"{API}runs/{run}/cancel/"))

    # --- waiting

    def wait(
        self,
        work: Waited,
        *,
        seconds: float = 3600.0,
        told: Callable[[Waited], None] | None = None,
    ) -> Waited:
        """Return an order, upload, run or export when it is over; failed is over too.

        told   hears each state that differs from the one before.

        Raises: TimeoutError after `seconds`; the work goes on. Refused.
        """
        address, is_over = _followed(work)
        can_wait = "expires_at" not in work  # the server holds no answer back for an export
        ends = time.monotonic() + seconds
        pause = 0.25
        while not is_over(work):
            left = ends - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{address} was not over after {seconds:g} s; it goes on.")
            held = {"wait": int(min(WAIT_S, left))} if can_wait else None
            before, work = work, cast(Waited, self._wire.get(address, held))
            if told is not None and work != before:
                told(work)
            if not is_over(work):
                time.sleep(min(pause, max(0.0, ends - time.monotonic())))
                pause = min(2.0, pause * 2)
        return work

    # --- out

    def jobs(self, run: str) -> Iterator[Job]:
        """Yield the jobs of a run: which image, how far, why it failed."""
        return cast(Iterator[Job], self._wire.pages(f"{API}jobs/", {"run": run}))

    def results(self, **filters: str) -> Iterator[Result]:
        """Yield results, newest first; `run=`, `study=`, … as `/docs` names them."""
        return cast(Iterator[Result], self._wire.pages(f"{API}results/", filters))

    def result(self, result: str) -> ResultDetail:
        """Return one result with its models, gate, classes and boxes."""
        return cast(ResultDetail, self._wire.get(f"{API}results/{result}/"))

    def measurements(self, result: str) -> list[Measurement]:
        """Return the numbers of a result, each with its unit and what it is of."""
        return cast(list[Measurement], self._wire.get(f"{API}results/{result}/measurements/"))

    def lesions(self, result: str) -> list[Lesion]:
        """Return the regions of a result."""
        return cast(list[Lesion], self._wire.get(f"{API}results/{result}/lesions/"))

    def save_mask(self, result: str, path: str | os.PathLike[str], kind: str | None = None) -> Path:
        """Write the mask that counts: png, or nii.gz with the image's place in space."""
        query = {"kind": kind} if kind else {}
        return self._wire.download(f"{API}results/{result}/mask/", path, query)

    def save_map(self, result: str, name: str, path: str | os.PathLike[str]) -> Path:
        """Write a map (`ensemble`, `disagreement`, `member-0`): uint8 (Z, Y, X), 255 is p = 1."""
        return self._wire.download(f"{API}results/{result}/maps/{name}/", path)

    def export(
        self,
        kind: ExportKind,
        *,
        results: Sequence[str] = (),
        studies: Sequence[str] = (),
        runs: Sequence[str] = (),
        signed_only: bool = False,
    ) -> Export:
        """Ask for a file of results. Not awaited."""
        lists = {"results": list(results), "studies": list(studies), "runs": list(runs)}
        body: dict[str, Any] = {name: values for name, values in lists.items() if values}
        body |= {"kind": kind, "signed_only": signed_only}
        return cast(Export, self._wire.post(f"{API}exports/", json=body))

    def save_export(self, export: str, path: str | os.PathLike[str]) -> Path:
        """Write the file of an export that is done."""
        return self._wire.download(f"{API}exports/{export}/content/", path)


def _fresh_key() -> str:
    return uuid.uuid4().hex


def _followed(work: Mapping[str, Any]) -> tuple[str, Callable[[Any], bool]]:
    """Return where to ask again for a piece of work, and what tells that it is over."""
    if "result_url" in work:
        return work["result_url"], lambda now: now["state"] in ("finished", "refused")
    if "is_finished" in work:
        return f"{API}runs/{work['id']}/", lambda now: now["is_finished"]
    if "reading" in work:
        return f"{API}uploads/{work['id']}/", lambda now: not now["reading"]
    return f"{API}exports/{work['id']}/", lambda now: now["status"] not in LIVE
