"""Grad-CAM: which places of the last convolution raise the output of a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch

from imaging.inference.grids import FloatArray

_CONVOLUTIONS = (torch.nn.Conv2d, torch.nn.Conv3d)
Keep = Callable[[torch.Tensor], torch.Tensor]
Run = Callable[[torch.Tensor], torch.Tensor]


def gradcam(
    run: Run,
    watched: Callable[[Keep], AbstractContextManager[None]],
    batch: torch.Tensor,
    channels: Sequence[int],
    *,
    last: bool = False,
) -> list[FloatArray]:
    """Return ReLU(Σ_k α_k A_k) of each output channel for one item (1, C, *grid), (*small grid).

    A are the features of the last convolution that still has a place (more than one pixel), α
    their mean gradients. `watched(keep)` hands every convolution's output to `keep` and goes on
    with what it returns; `last` says that the channels are the last axis. An empty list where the
    network has no such convolution. Source: Selvaraju et al. 2017. doi:10.1109/ICCV.2017.74
    """
    kept: list[torch.Tensor] = []

    def keep(features: torch.Tensor) -> torch.Tensor:
        places = features.shape[1:-1] if last else features.shape[2:]
        if places.numel() > 1:
            kept.append(features)
        return features.clone()  # what follows may work in place

    with torch.enable_grad(), watched(keep):
        output = run(batch.requires_grad_(True))
        return [_map(output[0, channel], kept[-1], last) for channel in channels] if kept else []


def torch_watched(module: torch.nn.Module) -> Callable[[Keep], AbstractContextManager[None]]:
    """Return what watches the convolutions of a torch network."""

    @contextmanager
    def watched(keep: Keep) -> Iterator[None]:
        hooks = [
            part.register_forward_hook(lambda _module, _inputs, output: keep(output))
            for part in module.modules()
            if isinstance(part, _CONVOLUTIONS)
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    return watched


def _map(score: torch.Tensor, features: torch.Tensor, last: bool) -> FloatArray:
    (gradient,) = torch.autograd.grad(score, features, retain_graph=True)
    axis = -1 if last else 1
    places = tuple(range(1, gradient.ndim - 1)) if last else tuple(range(2, gradient.ndim))
    weights = gradient.mean(dim=places, keepdim=True)
    found = torch.relu((weights * features).sum(dim=axis))[0]
    return np.asarray(found.detach().float().cpu().numpy(), dtype=np.float32)
