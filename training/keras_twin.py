"""Rebuilds a trained network of plain layers as a functional Keras model."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import nn

from training.halfgrid import Block, HalfGridUNet
from training.networks import ConvNormAct, ResidualBlock, ResidualUNet
from training.tuberculosis import LungEncoder

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from keras import layers


def keras_twin(network: nn.Module, grid: tuple[int, ...]) -> keras.Model:
    """Give the same function with the same weights: (B, *grid, 1) → what the network gives."""
    image = keras.Input((*grid, 1), name="image")
    return keras.Model(image, _TWINS[type(network)](image, network), name=_NAMES[type(network)])


def _residual_unet(image: Any, network: ResidualUNet) -> Any:
    skips = _way_down(image, network)
    x = _residual(skips.pop(), network.bottom)
    for lift, block in zip(network.lift, network.up, strict=True):
        x = _apply(x, layers.Conv2DTranspose(lift.out_channels, 2, strides=2), lift)
        x = _residual(layers.Concatenate()([skips.pop(), x]), block)
    return _apply(x, layers.Conv2D(1, 1, name="logits"), network.head)


def _lung_encoder(image: Any, network: LungEncoder) -> Any:
    x = _residual(_way_down(image, network)[-1], network.bottom)
    pooled = [layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)]
    layer = layers.Dense(1, name="logits")
    y = layer(layers.Concatenate()(pooled))
    layer.set_weights([network.head.weight.T.detach().numpy(), network.head.bias.detach().numpy()])
    return y


def _half_grid(image: Any, network: HalfGridUNet) -> Any:
    body, flat = network.body, len(image.shape) == 4
    conv, lift, pool = (
        (layers.Conv2D, layers.Conv2DTranspose, layers.MaxPooling2D)
        if flat
        else (layers.Conv3D, layers.Conv3DTranspose, layers.MaxPooling3D)
    )
    stem = conv(body.stem.out_channels, 4, strides=2, padding="same")
    x, skips = layers.ReLU()(_apply(image, stem, body.stem)), []
    for level, block in enumerate(body.down):
        x = _block(x if level == 0 else pool(2)(x), block, conv)
        skips.append(x)
    x = skips.pop()
    for source, block in zip(body.lift, body.up, strict=True):
        x = _apply(x, lift(source.out_channels, 2, strides=2), source)
        x = _block(layers.Concatenate()([skips.pop(), x]), block, conv)
    head = lift(network.head.out_channels, 4, strides=2, padding="same", name="logits")
    return _apply(x, head, network.head)


_TWINS = {
    ResidualUNet: _residual_unet,
    LungEncoder: _lung_encoder,
    HalfGridUNet: _half_grid,
}
_NAMES = {
    ResidualUNet: "residual_unet",
    LungEncoder: "lung_encoder",
    HalfGridUNet: "half_grid_unet",
}


def _way_down(image: Any, network: ResidualUNet | LungEncoder) -> list[Any]:
    skips, x = [], image
    for level, block in enumerate(network.down):
        x = _residual(x if level == 0 else layers.MaxPooling2D(2)(x), block)
        skips.append(x)
    return skips


def _block(x: Any, block: Block, conv: Any) -> Any:
    y = _apply(x, conv(block.first.out_channels, 3, padding="same", use_bias=False), block.first)
    y = layers.ReLU()(_apply_norm(y, block.first_norm))
    y = _apply(y, conv(block.second.out_channels, 3, padding="same", use_bias=False), block.second)
    shortcut = _apply(x, conv(block.shortcut.out_channels, 1), block.shortcut)
    return layers.ReLU()(layers.Add()([_apply_norm(y, block.second_norm), shortcut]))


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


def _apply(x: Any, layer: layers.Layer, source: nn.Module) -> Any:
    y = layer(x)
    # torch keeps (out, in, *sides), transposed (in, out, *sides); Keras (*sides, in, out), turned
    weights = [source.weight.movedim((1, 0), (-2, -1))]
    weights += [source.bias] if source.bias is not None else []
    layer.set_weights([weight.detach().numpy() for weight in weights])
    return y


def _apply_norm(x: Any, source: nn.Module) -> Any:
    layer = layers.BatchNormalization(epsilon=source.eps)
    y = layer(x)
    weights = (source.weight, source.bias, source.running_mean, source.running_var)
    layer.set_weights([weight.detach().numpy() for weight in weights])
    return y


@torch.inference_mode()
def largest_difference(network: nn.Module, twin: keras.Model, images: torch.Tensor) -> float:
    """Give the largest |Δ sigmoid| between both on (B, 1, *grid) images."""
    ours = torch.sigmoid(network(images)).numpy()
    theirs = torch.sigmoid(torch.as_tensor(twin(images.movedim(1, -1)))).numpy()
    return float(abs(ours - np.moveaxis(theirs, -1, 1)).max())
