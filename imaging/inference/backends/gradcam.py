"""Grad-CAM: which places of the last convolution raise the output of a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from imaging.inference.grids import FloatArray

_CONVOLUTIONS = (torch.nn.Conv2d, torch.nn.Conv3d)


def gradcam(
    module: torch.nn.Module, batch: torch.Tensor, channels: Sequence[int]
) -> list[FloatArray]:
    """Return ReLU(Σ_k α_k A_k) of each output channel for one item (1, C, *grid), (*small grid).

    A are the features of the last convolution that still has a place (more than one pixel), α
    their mean gradients. An empty list where the network has no such convolution.
    Source: Selvaraju et al. 2017. doi:10.1109/ICCV.2017.74
    """
    kept: list[torch.Tensor] = []

    def keep(_module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        if output.shape[2:].numel() > 1:
            kept.append(output)
        return output.clone()  # what follows may work in place

    hooks = [part.register_forward_hook(keep) for part in module.modules()
             if isinstance(part, _CONVOLUTIONS)]  # fmt: skip
    try:
        with torch.enable_grad():
            output = module(batch.requires_grad_(True))
            output = output[0] if isinstance(output, list | tuple) else output
            return [_map(output[0, channel], kept[-1]) for channel in channels] if kept else []
    finally:
        for hook in hooks:
            hook.remove()


def _map(score: torch.Tensor, features: torch.Tensor) -> FloatArray:
    (gradient,) = torch.autograd.grad(score, features, retain_graph=True)
    weights = gradient.mean(dim=tuple(range(2, gradient.ndim)), keepdim=True)
    found = torch.relu((weights * features).sum(dim=1))[0]
    return np.asarray(found.detach().float().cpu().numpy(), dtype=np.float32)
