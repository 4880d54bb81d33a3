"""Fréchet and kernel distance between pictures in the features of a network, as a rule Inception v3.

FID: Heusel et al., NeurIPS 2017, equation 6. KID: Bińkowski et al., ICLR 2018. Both are computed by torchmetrics; the
network is that of torch-fidelity, and its weights come from a file that the user names. Nothing is downloaded.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d_core.errors import Gen3DError, first_line

FEATURES = 2048
"""Of Inception's last pooling layer, which both papers use."""
BATCH = 50
SUBSETS = 100
SUBSET_SIZE = 1000
MAX_BYTES = 256 * 2**20
"""The published file is of 92 MiB."""
WEIGHTS = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"


@dataclass(frozen=True)
class FrechetKernel:
    """`fid` is the Fréchet distance of Gaussians fitted to the features (0 for equal sets, biased upwards by few
    pictures), `kid_mean` and `kid_std` the unbiased squared kernel distance over random subsets: it can be negative."""

    fid: float
    kid_mean: float
    kid_std: float


def fid_kid(
    real: Float[Tensor, "n 3 s s"], fake: Float[Tensor, "m 3 s s"], extractor: Path | nn.Module, seed: int = 0
) -> FrechetKernel:
    """Both distances between pictures in [0, 1].

    FID is comparable with published values only for Inception's weights and many pictures: below 2048 of them the
    covariances of its 2048 features are singular. KID needs fewer.

    Args:
        extractor: the file of Inception's weights, or a network in evaluation mode that takes such pictures to
            (n, d) features.
        seed: chooses the subsets of KID. The global random state is left as it was.

    Raises:
        Gen3DError: fewer than four pictures, or Inception cannot be had (see `load_inception`).
    """
    if min(len(real), len(fake)) < 4:
        raise Gen3DError(f"{len(real)} real and {len(fake)} generated pictures: FID and KID need at least 4 of each")
    network = extractor if isinstance(extractor, nn.Module) else load_inception(extractor).to(real.device)
    # The network is by far the dearest part and serves both distances, which are therefore handed features.
    real_features, fake_features = (_extract(network, pictures) for pictures in (real, fake))
    fid, kid = _import_metrics()
    given = _Given(real_features.shape[1])
    # Half of the smaller set at most: subsets that are the whole would all be the same, and their deviation 0.
    subset_size = min(SUBSET_SIZE, len(real) // 2, len(fake) // 2)
    with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*will save all extracted features", category=UserWarning)
        torch.default_generator.manual_seed(seed)
        frechet = fid.FrechetInceptionDistance(feature=given, normalize=True)
        kernel = kid.KernelInceptionDistance(feature=given, subsets=SUBSETS, subset_size=subset_size, normalize=True)
        for metric in (frechet, kernel):
            metric.update(real_features, real=True)
            metric.update(fake_features, real=False)
        kid_mean, kid_std = kernel.compute()
        # Rounding may leave a distance of equal sets just below zero.
        return FrechetKernel(max(float(frechet.compute()), 0.0), float(kid_mean), float(kid_std))


def load_inception(path: Path) -> nn.Module:
    """Inception v3 of torch-fidelity, taking pictures in [0, 1] of any size to (n, 2048) features.

    torch-fidelity reads its file as a pickle that may run code. The file is therefore read here as plain tensors, and
    torch-fidelity is handed a copy of these instead.

    Raises:
        Gen3DError: the file is missing, is not one of Inception's weights, or torch-fidelity cannot be imported.
    """
    weights = _read_weights(path)
    fid, _ = _import_metrics()
    try:
        network = fid.NoTrainInceptionV3("inception-v3-compat", [str(FEATURES)], weights)
    except ModuleNotFoundError as error:
        raise Gen3DError(
            "FID and KID need torch-fidelity, which is not installed: "
            "pip install torch-fidelity (with the torchvision that fits your torch), or leave FID and KID out"
        ) from error
    except (RuntimeError, KeyError, AttributeError) as error:  # what load_state_dict raises
        raise Gen3DError(
            f"{path} does not hold the weights of torch-fidelity's Inception: download {WEIGHTS}"
        ) from error
    return _Rounded(network)


class _Rounded(nn.Module):
    """A network of byte pictures as one of pictures in [0, 1], rounded to the nearest byte."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        return self.network((pictures.clamp(0, 1) * 255).round().byte())


class _Given(nn.Module):
    """A network in name: what it is given are features already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features  # spares torchmetrics the probing with a random picture

    def forward(self, features: Tensor) -> Tensor:
        return features


@torch.no_grad()
def _extract(network: nn.Module, pictures: Tensor) -> Tensor:
    """(n, d) features on the CPU, in double precision: the cubic kernel of KID subtracts nearly equal numbers."""
    return torch.cat([network(batch).double().cpu() for batch in pictures.split(BATCH)])


def _read_weights(path: Path) -> io.BytesIO:
    """The file's tensors, written anew: nothing else that the file may hold gets further than here."""
    if not path.is_file():
        raise Gen3DError(f"no file of Inception's weights at {path}: download {WEIGHTS} and name it")
    if path.stat().st_size > MAX_BYTES:
        raise Gen3DError(
            f"{path} is larger than {MAX_BYTES // 2**20} MiB, Inception's weights are of 92: download {WEIGHTS}"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise Gen3DError(f"cannot read {path} as weights without running code from it: download {WEIGHTS}") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise Gen3DError(f"{path} does not hold the weights of torch-fidelity's Inception: download {WEIGHTS}")
    packed = io.BytesIO()
    torch.save(dict(state), packed)
    packed.seek(0)
    return packed


def _import_metrics() -> tuple[ModuleType, ModuleType]:
    """torchmetrics' modules `fid` and `kid`. Imported late: they take a second, and with torch-fidelity installed they
    import torchvision, which fails where it was built for another torch."""
    try:
        from torchmetrics.image import fid, kid
    except ModuleNotFoundError as error:
        raise Gen3DError(f"FID and KID need {error.name}, which is not installed: pip install {error.name}") from error
    except (ImportError, RuntimeError) as error:
        raise Gen3DError(
            f"torch-fidelity cannot be imported ({first_line(error)}): "
            f"install the torchvision that fits torch {torch.__version__}"
        ) from error
    return fid, kid
