"""The families `paper` and `graf` through the whole chain: train, export, sample; and what does not fit is refused."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from gen3d_core.adversarial.discriminator import GrafDiscriminator, discriminator
from gen3d_core.config import Config, GeneratorConfig, MlpConfig, PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.archive import read_model
from gen3d_core.model.model import load
from gen3d_core.networks.fields.radiance import RadianceField
from gen3d_core.rendering.generator import Generator
from tests.tiny_run import one_thread
from training.export import directions
from training.export.export import export
from training.export.level import LEVELS, choose_level
from training.gan.session import train_session
from training.procedural.family import make_shape
from training.settings import load_settings

TINY_MLP = MlpConfig(width=40, depth=4, skip=2, position_octaves=3, view_octaves=2, colour_width=16, colour_depth=2)
FAMILIES = pytest.mark.parametrize("preset", ["paper-small", "graf-small"])


def tiny(preset: str) -> Config:
    """The preset with networks of a toy's size."""
    config = load_settings(preset)
    return dataclasses.replace(
        config,
        generator=dataclasses.replace(config.generator, shape_dim=8, appearance_dim=6),
        baseline=dataclasses.replace(config.baseline, mlp=TINY_MLP),
        patch=dataclasses.replace(config.patch, size=16),
        discriminator=dataclasses.replace(config.discriminator, channels=(8, 12)),
        loss=dataclasses.replace(config.loss, r1_every=2, smoothness_every=2, smoothness_points=16),
        optim=dataclasses.replace(config.optim, batch=4),
    )


@contextmanager
def few_directions() -> Iterator[None]:
    """From fewer codes: by points alone, each takes long, and the directions are not looked at here."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(directions, "SHAPES", 32)
        patched.setattr(directions, "LOOKS", 16)
        yield


@pytest.fixture(scope="module")
def validation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three real chairs."""
    folder = tmp_path_factory.mktemp("meshes")
    for seed in range(3):
        make_shape("chairs", seed).save(folder / f"{seed}.ply")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_pictures: Path) -> dict[str, Path]:
    """A run of six steps of each family."""
    folders = {}
    for preset in ("paper-small", "graf-small"):
        folders[preset] = tmp_path_factory.mktemp("runs") / preset
        with one_thread():
            train_session(tiny_pictures, folders[preset], tiny(preset), preset=preset, images=24, device="cpu", seed=1)
    return folders


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, runs: dict[str, Path]) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    with few_directions():
        export(runs["paper-small"], folder / "paper.gen3d")
        # Below every density of so short a run: the whole ball.
        export(runs["graf-small"], folder / "graf.gen3d", level=-1.0)
    return {"paper-small": folder / "paper.gen3d", "graf-small": folder / "graf.gen3d"}


@FAMILIES
def test_a_run_logs_finite_losses_and_moves_its_weights(preset: str, runs: dict[str, Path]) -> None:
    state = torch.load(runs[preset] / "state.pt", weights_only=True)
    assert state["images"] == 24
    torch.manual_seed(1)
    config = tiny(preset)
    start = Generator(config, PosePrior()).state_dict()
    moved = [name for name, value in start.items() if not torch.equal(value, state["generator"][name])]
    assert all(torch.isfinite(value).all() for value in state["generator"].values())
    assert {name.split(".")[1] for name in moved} >= {"layers", "code_first", "code_skip", "code_colour"}


@FAMILIES
def test_a_model_file_of_the_family_gives_watertight_meshes(preset: str, models: dict[str, Path]) -> None:
    """Without a lattice graph, by points alone."""
    assert "lattice.onnx" not in read_model(models[preset]).members
    mesh = load(models[preset], threads=1).sample(seed=0, resolution=24, floaters=0.0)
    assert_closed(mesh)
    assert 0 <= mesh.colours.min() and mesh.colours.max() <= 1


def assert_closed(mesh: Mesh) -> None:
    edges = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    forward, backward = ({tuple(edge) for edge in each.tolist()} for each in (edges, edges[:, ::-1]))
    assert len(mesh.faces) > 0 and forward == backward


@FAMILIES
@pytest.mark.parametrize("truncation", [1.0, 0.6])
def test_the_graphs_compute_what_torch_computes(preset: str, models: dict[str, Path], truncation: float) -> None:
    archive = read_model(models[preset])
    config = tiny(preset)
    generator = Generator(config, PosePrior())
    generator.load_state_dict(safetensors.torch.load(archive.members["weights.safetensors"]))
    model = load(models[preset], threads=1)
    codes = model.codes(5)
    points = np.random.default_rng(0).uniform(-1, 1, (60, 3)).astype(np.float32)
    runtime = model.runtime.field(codes, truncation)
    with torch.no_grad():
        shape, look = (torch.from_numpy(code)[None] for code in (codes.shape, codes.appearance))
        bound = generator.field.condition(shape, look, truncation)  # type: ignore[operator]
        owner = torch.zeros(60, dtype=torch.long)
        logit = bound.logit(torch.from_numpy(points)[:, None], owner)[:, 0]
        colour = bound.surface_colour(torch.from_numpy(points), owner)
    np.testing.assert_allclose(runtime.logit(points), logit, atol=1e-3, rtol=1e-3)
    np.testing.assert_allclose(runtime.colour(points), colour, atol=1e-3)


def test_a_radiance_field_is_cut_at_the_level_that_suits_real_meshes(
    tmp_path: Path, runs: dict[str, Path], validation: Path
) -> None:
    """Of untrained densities none may suit; then the lowest level is taken. The file records it."""
    with few_directions():
        export(runs["graf-small"], tmp_path / "cut.gen3d", validation=validation)
    archive = read_model(tmp_path / "cut.gen3d")
    weights = safetensors.torch.load(archive.members["weights.safetensors"])
    assert archive.manifest["level"] in LEVELS
    assert weights["field.level"].item() == archive.manifest["level"]


def test_the_chosen_level_is_that_of_the_nearest_shapes() -> None:
    """An ellipsoid whose flatness depends on the level, against a sphere: one level is best."""

    class Ball(RadianceField):
        def condition(self, shape_code, appearance_code, truncation=1.0):  # noqa: ANN001, ANN202
            return BallOf(self)

    @dataclasses.dataclass(frozen=True)
    class BallOf:
        field: Ball

        def logit(self, points: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
            flat = points * torch.tensor([1.0, 1.0, 0.5 + self.field.level.item() / 8])
            return 0.5 - flat.norm(dim=-1)

    torch.manual_seed(0)
    field = Ball(GeneratorConfig(kind="radiance", shape_dim=4, appearance_dim=4), TINY_MLP)
    sphere = make_sphere()
    assert choose_level(field, [sphere], 1.0, shapes=2) == 4.0
    assert field.level.item() == 4.0


def make_sphere() -> Mesh:
    import trimesh

    made = trimesh.creation.icosphere(3, 0.5)
    return Mesh(
        made.vertices.astype(np.float32), made.faces.astype(np.int32), np.zeros((len(made.vertices), 3), np.float32)
    )


def test_a_level_is_needed_where_and_only_where_there_is_no_surface(tmp_path: Path, runs: dict[str, Path]) -> None:
    with pytest.raises(Gen3DError, match="give --level or a folder of --validation"):
        export(runs["graf-small"], tmp_path / "a.gen3d")
    with pytest.raises(Gen3DError, match="has a surface of its own"):
        export(runs["paper-small"], tmp_path / "a.gen3d", level=1.0)
    assert not list(tmp_path.iterdir())


def test_the_training_curve_travels_in_the_model(models: dict[str, Path], runs: dict[str, Path]) -> None:
    curve = read_model(models["paper-small"]).manifest["training"]["curve"]
    path = runs["paper-small"] / "log.jsonl"  # written every 64 steps, so not in so short a run
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    assert all(len(column) == len(lines) for column in curve.values())


def test_graf_s_discriminator_is_told_nothing_and_mixes_no_pictures() -> None:
    """Its score is of the patch alone, so that one pass serves both players."""
    config = load_settings("graf").discriminator
    torch.manual_seed(0)
    critic = discriminator(config, 32).eval()
    assert isinstance(critic, GrafDiscriminator)
    rng = torch.Generator().manual_seed(0)
    pictures, told = torch.rand(4, 4, 32, 32, generator=rng), torch.rand(4, 5, generator=rng)
    with torch.no_grad():
        together = critic(pictures, told[:, :2], told[:, 2:])
        other = critic(pictures, -told[:, :2], told[:, 2:])
        alone = torch.cat([critic(p[None], t[None, :2], t[None, 2:]) for p, t in zip(pictures, told, strict=True)])
    assert torch.equal(together, other)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    assert critic(pictures[:, :, :32], told[:, :2], told[:, 2:]).shape == (4,)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("baseline", {"mlp": dataclasses.replace(TINY_MLP, skip=4)}, "--baseline.mlp.skip is 4"),
        ("discriminator", {"channels": (8, 8, 8, 8, 8)}, "a discriminator of 5 levels needs 32 or more"),
    ],
)
def test_what_does_not_fit_together_is_one_line(
    tmp_path: Path, tiny_pictures: Path, part: str, change: dict[str, object], message: str
) -> None:
    config = tiny("paper-small")
    config = dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **change)})
    with pytest.raises(Gen3DError, match=message):
        train_session(tiny_pictures, tmp_path / "run", config, images=8)


@pytest.mark.parametrize(
    "change",
    [
        {"discriminator": {"silhouette": False}},
        {"discriminator": {"pose": False}},
        {"loss": {"smoothness": 0.0, "smoothness_late": 0.0}},
        {"loss": {"r1_gamma": 0.0, "r1_gamma_late": 0.0}},
        {"generator": {"sphere_start": False}},
    ],
    ids=["silhouette", "pose", "smoothness", "r1", "sphere"],
)
def test_every_term_can_be_switched_off(
    tmp_path: Path, tiny_pictures: Path, change: dict[str, dict[str, object]]
) -> None:
    """A step without the term runs, and the log says that the term was left out."""
    from tests.tiny_run import TINY

    config = TINY
    for part, values in change.items():
        config = dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **values)})
    with one_thread():
        train_session(tiny_pictures, tmp_path / "run", config, images=16, device="cpu")
    assert torch.load(tmp_path / "run" / "state.pt", weights_only=True)["images"] == 16
