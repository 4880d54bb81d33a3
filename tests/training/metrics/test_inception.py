"""FID and KID against closed forms, on features that the tests control; and what is said where Inception is not to be
had."""

import importlib
import io
import math
import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gen3d_core.errors import Gen3DError
from training.metrics.inception import MAX_BYTES, FrechetKernel, fid_kid, load_inception

DIMENSION = 3


class Means(nn.Module):
    """Features are the mean colours, in standard deviations of what `pictures_of` was given."""

    def forward(self, pictures: Tensor) -> Tensor:
        return (pictures.mean((2, 3)) - 0.5) * 20


def pictures_of(features: Tensor) -> Tensor:
    """Plain pictures whose features are these."""
    return (features / 20 + 0.5)[:, :, None, None].expand(-1, -1, 16, 16)


def gaussian(count: int, seed: int) -> Tensor:
    return torch.randn(count, DIMENSION, generator=torch.Generator().manual_seed(seed))


def distances(real: Tensor, fake: Tensor, seed: int = 0) -> FrechetKernel:
    return fid_kid(pictures_of(real), pictures_of(fake), Means(), seed)


def test_equal_sets_are_at_distance_zero() -> None:
    """KID is unbiased for two samples of a distribution; a sample shares its n points with itself, which takes 2 / n of
    the kernel's excess on its diagonal."""
    features = gaussian(500, 0)
    found = distances(features, features)
    assert 0 <= found.fid < 1e-5
    kernel = (features @ features.T / DIMENSION + 1) ** 3
    off_diagonal = (kernel.sum() - kernel.trace()) / (500 * 499)
    expected = -2 / 500 * (kernel.trace() / 500 - off_diagonal).item()
    assert found.kid_mean == pytest.approx(expected, abs=4 * found.kid_std / math.sqrt(100))


def test_fid_of_shifted_gaussians_is_the_squared_shift() -> None:
    shift = torch.tensor([1.0, -0.5, 2.0])
    found = distances(gaussian(4000, 0), gaussian(4000, 1) + shift)
    # A sample's mean is off by 1 / sqrt(n) a dimension, which the square doubles and the shift multiplies.
    error = 3 * 2 * shift.norm().item() * math.sqrt(2 / 4000)
    assert found.fid == pytest.approx(shift.square().sum().item(), abs=error)


def test_fid_is_the_frechet_distance_of_the_samples_own_gaussians() -> None:
    """||m1 - m2||^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2), which has the trace of the paper's (C1 C2)^1/2."""
    mix = torch.tensor([[1.0, 0.0, 0.0], [0.7, 0.5, 0.0], [-0.3, 0.2, 1.5]])
    real, fake = gaussian(700, 0), gaussian(400, 1) @ mix.T + torch.tensor([0.2, 0.0, -1.0])
    found = distances(real, fake)
    # Pictures hold single precision; their features are what the extractor sees.
    real, fake = (Means()(pictures_of(features)).double() for features in (real, fake))
    c1, c2 = real.T.cov(), fake.T.cov()
    root = symmetric_root(c1)
    cross = symmetric_root(root @ c2 @ root)
    expected = (real.mean(0) - fake.mean(0)).square().sum() + (c1 + c2 - 2 * cross).trace()
    assert found.fid == pytest.approx(expected.item(), rel=1e-5)


def symmetric_root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ values.clamp_min(0).sqrt().diag() @ vectors.T


def test_kid_is_zero_for_one_distribution_and_the_kernel_distance_for_two() -> None:
    """For the point masses at 0 and v, k(x, y) = (x.y / d + 1)^3 gives 1 + (|v|^2 / d + 1)^3 - 2."""
    same = distances(gaussian(2000, 0), gaussian(2000, 1))
    assert abs(same.kid_mean) < 3 * same.kid_std and 0 < same.kid_std < 0.1
    point = torch.tensor([1.0, 2.0, 2.0])
    apart = distances(torch.zeros(10, 3), point.expand(10, 3))
    assert apart.kid_mean == pytest.approx((9 / 3 + 1) ** 3 - 1, rel=1e-5) and apart.kid_std < 1e-3
    assert apart.fid == pytest.approx(9, rel=1e-5)


def test_results_depend_on_the_seed_alone_and_leave_the_global_random_state() -> None:
    real, fake = gaussian(100, 0), gaussian(80, 1)
    state = torch.get_rng_state()
    first = distances(real, fake)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    assert distances(real, fake) == first
    other = distances(real, fake, seed=1)
    assert other.fid == first.fid and other.kid_mean != first.kid_mean


def test_the_extractor_gets_pictures_in_batches_without_gradients() -> None:
    """And nobody is warned of what is meant to be."""
    sizes = []

    class Recorder(Means):
        def forward(self, pictures: Tensor) -> Tensor:
            sizes.append(len(pictures))
            assert not torch.is_grad_enabled() and pictures.shape[1:] == (3, 16, 16)
            return super().forward(pictures)

    fid_kid(pictures_of(gaussian(120, 0)), pictures_of(gaussian(30, 1)), Recorder())
    assert sizes == [50, 50, 20, 30]


def test_too_few_pictures_are_named() -> None:
    with pytest.raises(Gen3DError, match="3 generated pictures: FID and KID need at least 4"):
        distances(gaussian(9, 0), gaussian(3, 0))


class Trap:
    """Unpickled with Python's own means, it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def file_of(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(Gen3DError) as raised:
        fid_kid(torch.rand(4, 3, 16, 16), torch.rand(4, 3, 16, 16), path)
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_a_missing_file_is_named_and_where_to_find_it(tmp_path: Path) -> None:
    for path in (tmp_path / "weights.pth", tmp_path):
        text = refusal(path)
        assert str(path) in text and "weights-inception-2015-12-05-6726825d.pth" in text


def test_what_is_not_weights_is_refused(tmp_path: Path) -> None:
    noise = tmp_path / "noise.pth"
    noise.write_bytes(bytes(range(256)) * 10)
    assert str(noise) in refusal(noise)
    (tmp_path / "empty.pth").touch()
    assert "cannot read" in refusal(tmp_path / "empty.pth")
    for number, content in enumerate([[torch.zeros(3)], {"a": 1}, torch.zeros(3)]):
        assert "does not hold" in refusal(file_of(tmp_path / f"{number}.pth", content))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.pth"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "larger than 256 MiB" in refusal(path)


def test_code_in_the_file_is_never_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    assert "without running code" in refusal(file_of(tmp_path / "trap.pth", {"fc.weight": Trap(sprung)}))
    plain = tmp_path / "plain.pth"
    plain.write_bytes(pickle.dumps(Trap(sprung), protocol=2))
    assert "without running code" in refusal(plain) and not sprung.exists()
    torch.load(tmp_path / "trap.pth", weights_only=False)
    assert sprung.exists()  # so the trap was a real one


def test_weights_without_torch_fidelity_say_what_to_install(tmp_path: Path) -> None:
    if has_torch_fidelity():
        pytest.skip("torch-fidelity is installed")
    assert "pip install torch-fidelity" in refusal(file_of(tmp_path / "weights.pth", {"fc.weight": torch.zeros(3)}))


def test_inception_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With weights drawn at random: where torch-fidelity is installed, the real network is run."""
    if not has_torch_fidelity():
        pytest.skip("torch-fidelity is not installed")
    assert "does not hold" in refusal(file_of(tmp_path / "other.pth", {"fc.weight": torch.zeros(3)}))
    extractor = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3").FeatureExtractorInceptionV3
    blank = io.BytesIO()
    torch.save({}, blank)
    blank.seek(0)
    with monkeypatch.context() as patch:
        patch.setattr(extractor, "load_state_dict", lambda self, state: None)
        drawn = extractor("drawn", ["2048"], blank)
    torch.manual_seed(0)
    for weight in drawn.parameters():
        if weight.dim() == 4:  # torch's own start lets the signal fade on its way through so many layers
            nn.init.kaiming_normal_(weight, nonlinearity="relu")
    path = file_of(tmp_path / "weights.pth", drawn.state_dict())
    pictures = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert load_inception(path)(pictures).shape == (4, 2048)
    assert fid_kid(pictures, pictures, path).fid < 1e-3 < fid_kid(pictures, 1 - pictures / 2, path).fid


def has_torch_fidelity() -> bool:
    try:
        importlib.import_module("torch_fidelity")
    except (ImportError, RuntimeError):  # torchvision raises the latter where it was built for another torch
        return False
    return True
