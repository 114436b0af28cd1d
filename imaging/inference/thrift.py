"""How much memory a member may take: as its card says, one window at a time, smaller windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_shapes import spatial_size

LEAST_SIDE = 32  # of a halved window
MULTIPLE = 16  # of its sides: four halvings inside a network
MOST_HALVINGS = 2


@dataclass(frozen=True, slots=True)
class Thrift:
    """one_by_one: a single slice or window at a time; halvings: how often windows are halved."""

    one_by_one: bool = False
    halvings: int = 0

    def __bool__(self) -> bool:
        return self.one_by_one or self.halvings > 0

    def window(self, metadata: ModelMetadata) -> tuple[int, ...]:
        """Return the window's sides: halved where metadata.json leaves the network's size free."""
        assert metadata.tiling is not None  # what has no windows is not slid over
        free = spatial_size(metadata.input_shape, metadata.channel_axis)
        return tuple(
            side if size is not None else _halved(side, self.halvings)
            for side, size in zip(metadata.tiling.roi_size, free, strict=True)
        )

    def words(self, metadata: ModelMetadata) -> str:
        """Say how the member ran, "" for as its card says."""
        if self.halvings:
            return f"ran in windows of {' × '.join(map(str, self.window(metadata)))}"
        if not self.one_by_one:
            return ""
        return "ran one window at a time" if metadata.tiling else "ran one slice at a time"


AS_DECLARED = Thrift()


def thrifts(metadata: ModelMetadata) -> Iterator[Thrift]:
    """Yield what can be tried on one device, from what the card says to the least memory."""
    yield AS_DECLARED
    if not metadata.input_shape[0]:  # a fixed batch is what the network takes
        yield Thrift(one_by_one=True)
    if metadata.tiling is None:
        return
    smallest = metadata.tiling.roi_size
    for halvings in range(1, MOST_HALVINGS + 1):
        smaller = Thrift(one_by_one=True, halvings=halvings)
        if smaller.window(metadata) == smallest:
            return
        smallest = smaller.window(metadata)
        yield smaller


def _halved(side: int, times: int) -> int:
    for _ in range(times):
        if side // 2 < LEAST_SIDE or side % (2 * MULTIPLE):
            return side
        side //= 2
    return side
