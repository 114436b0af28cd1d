"""Rebuilds a trained `ResidualUNet` as a functional Keras model of plain layers."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn

from training.networks import ConvNormAct, ResidualBlock, ResidualUNet

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from keras import layers


def keras_twin(network: ResidualUNet, size: int) -> keras.Model:
    """Give the same function with the same weights: (B, Y, X, 1) → logits (B, Y, X, 1)."""
    image = keras.Input((size, size, 1), name="image")
    skips, x = [], image
    for level, block in enumerate(network.down):
        x = _residual(x if level == 0 else layers.MaxPooling2D(2)(x), block)
        skips.append(x)
    x = _residual(skips.pop(), network.bottom)
    for lift, block in zip(network.lift, network.up, strict=True):
        x = _apply(x, layers.Conv2DTranspose(lift.out_channels, 2, strides=2), lift)
        x = _residual(layers.Concatenate()([skips.pop(), x]), block)
    logits = _apply(x, layers.Conv2D(1, 1, name="logits"), network.head)
    return keras.Model(image, logits, name="residual_unet")


def _residual(x: Any, block: ResidualBlock) -> Any:
    y = _conv_norm_act(_conv_norm_act(x, block.first), block.second)
    shortcut = layers.Conv2D(block.shortcut.out_channels, 1)
    return layers.Add()([y, _apply(x, shortcut, block.shortcut)])


def _conv_norm_act(x: Any, block: ConvNormAct) -> Any:
    convolution, norm, _ = block
    dilation = convolution.dilation[0]
    layer = layers.Conv2D(
        convolution.out_channels, 3, padding="same", dilation_rate=dilation, use_bias=False
    )
    return layers.ReLU()(_apply_norm(_apply(x, layer, convolution), norm))


def _apply(x: Any, layer: layers.Layer, source: nn.Conv2d | nn.ConvTranspose2d) -> Any:
    y = layer(x)
    # torch keeps (out, in, Y, X), transposed (in, out, Y, X); Keras has Y, X first, then turned
    weights = [source.weight.permute(2, 3, 1, 0)]
    weights += [source.bias] if source.bias is not None else []
    layer.set_weights([weight.detach().numpy() for weight in weights])
    return y


def _apply_norm(x: Any, source: nn.BatchNorm2d) -> Any:
    layer = layers.BatchNormalization(epsilon=source.eps)
    y = layer(x)
    weights = (source.weight, source.bias, source.running_mean, source.running_var)
    layer.set_weights([weight.detach().numpy() for weight in weights])
    return y


@torch.inference_mode()
def largest_difference(network: nn.Module, twin: keras.Model, images: torch.Tensor) -> float:
    """Give the largest |Δ probability| between both on (B, 1, Y, X) images."""
    ours = torch.sigmoid(network(images)).numpy()
    theirs = torch.sigmoid(torch.as_tensor(twin(images.permute(0, 2, 3, 1)))).numpy()
    return float(abs(ours - theirs.transpose(0, 3, 1, 2)).max())
