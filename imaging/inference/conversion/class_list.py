"""The names that a PyTorch file may ask for: tensors and plain values, torch.nn, MONAI's nets."""

from __future__ import annotations

_STORAGES = """
FloatStorage HalfStorage BFloat16Storage DoubleStorage LongStorage IntStorage ShortStorage
CharStorage ByteStorage BoolStorage storage.UntypedStorage storage.TypedStorage UntypedStorage
"""
_VALUES = """
collections.OrderedDict builtins.set builtins.complex _codecs.encode
torch.Size torch.device torch.Tensor torch.nn.parameter.Parameter
torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2 torch._utils._rebuild_parameter
torch._utils._rebuild_parameter_with_state torch._tensor._rebuild_from_type_v2
torch.serialization._get_layout
numpy.dtype numpy._core.multiarray.scalar numpy.core.multiarray.scalar
"""
_DTYPES = """
float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool
"""
_NN = {
    "activation": "ELU GELU Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish"
    " MultiheadAttention PReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softplus Tanh",
    "batchnorm": "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
    "container": "Sequential ModuleList ModuleDict ParameterList ParameterDict",
    "conv": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
    "dropout": "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout",
    "flatten": "Flatten Unflatten",
    "instancenorm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "linear": "Bilinear Identity Linear",
    "normalization": "GroupNorm LayerNorm LocalResponseNorm RMSNorm",
    "padding": "ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d ReflectionPad2d"
    " ReflectionPad3d ReplicationPad2d ReplicationPad3d ZeroPad2d",
    "pixelshuffle": "PixelShuffle PixelUnshuffle",
    "pooling": "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool2d"
    " AdaptiveMaxPool3d AvgPool1d AvgPool2d AvgPool3d MaxPool1d MaxPool2d MaxPool3d",
    "transformer": "TransformerEncoder TransformerEncoderLayer",
    "upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
}
_MONAI = {
    "networks.blocks.acti_norm": "ADN",
    "networks.blocks.activation": "MemoryEfficientSwish Mish Swish",
    "networks.blocks.convolutions": "Convolution ResidualUnit",
    "networks.blocks.dynunet_block": "UnetBasicBlock UnetOutBlock UnetResBlock UnetUpBlock",
    "networks.blocks.mlp": "MLPBlock",
    "networks.blocks.patchembedding": "PatchEmbed PatchEmbeddingBlock",
    "networks.blocks.segresnet_block": "ResBlock",
    "networks.blocks.selfattention": "SABlock",
    "networks.blocks.squeeze_and_excitation": "ChannelSELayer ResidualSELayer",
    "networks.blocks.transformerblock": "TransformerBlock",
    "networks.blocks.unetr_block": "UnetrBasicBlock UnetrPrUpBlock UnetrUpBlock",
    "networks.blocks.upsample": "SubpixelUpsample UpSample",
    "networks.layers.simplelayers": "SkipConnection",
    "networks.nets.attentionunet": "AttentionBlock AttentionLayer AttentionUnet ConvBlock UpConv",
    "networks.nets.basic_unet": "BasicUNet Down TwoConv UpCat",
    "networks.nets.densenet": "DenseNet DenseNet121 DenseNet169 DenseNet201 DenseNet264"
    " _DenseBlock _DenseLayer _Transition",
    "networks.nets.dynunet": "DynUNet DynUNetSkipLayer",
    "networks.nets.efficientnet": "BlockArgs EfficientNet EfficientNetBN MBConvBlock",
    "networks.nets.resnet": "ResNet ResNetBlock ResNetBottleneck",
    "networks.nets.segresnet": "SegResNet",
    "networks.nets.swin_unetr": "BasicLayer PatchMerging SwinTransformer SwinTransformerBlock"
    " SwinUNETR WindowAttention",
    "networks.nets.unet": "UNet",
    "networks.nets.unetr": "UNETR",
    "networks.nets.vit": "ViT",
    "networks.nets.vnet": "DownTransition InputTransition LUConv OutputTransition UpTransition"
    " VNet",
    "utils.enums": "UpsampleMode InterpolateMode",
}


def _dotted(root: str, table: dict[str, str]) -> set[str]:
    return {f"{root}.{place}.{name}" for place, names in table.items() for name in names.split()}


MODULES = frozenset(
    _dotted("torch.nn.modules", _NN)
    | _dotted("monai", _MONAI)
    | {"torch.nn.parallel.data_parallel.DataParallel", "einops.layers.torch.Rearrange"}
)
ALLOWED = MODULES | {
    *_VALUES.split(),
    *(f"torch.{name}" for name in (*_STORAGES.split(), *_DTYPES.split())),
}
