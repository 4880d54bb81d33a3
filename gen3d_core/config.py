"""Everything that shapes a model and its training, as frozen dataclasses.

Standard library only: the values also travel as JSON in a `.gen3d` file. Lengths are in units of the unit sphere that
holds the object, `kimg` counts thousands of real pictures shown to the discriminator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class PosePrior:
    """Where cameras stand: uniform azimuth and elevation (degrees) at one distance, looking at the origin.

    One field of view serves both directions of the picture.
    """

    distance: float = 4.0
    fov_deg: float = 30.0
    azimuth_deg: tuple[float, float] = (0.0, 360.0)
    elevation_deg: tuple[float, float] = (5.0, 40.0)


@dataclass(frozen=True)
class GeneratorConfig:
    """A field conditioned on a shape code, with colours conditioned on an appearance code.

    `triplane` is this project's own, `unisurf` 3DGEN's and `radiance` GRAF's. What lies between `mapping_width` and
    `palette` shapes the tri-plane field, `baseline.mlp` the two others.
    """

    kind: Literal["triplane", "unisurf", "radiance"] = "triplane"
    shape_dim: int = 64
    appearance_dim: int = 32
    mapping_width: int = 128
    mapping_rate: float = 0.1  # learning-rate multiplier of the mapping networks (StyleGAN2, appendix B)
    synthesis_channels: tuple[int, ...] = (128, 128, 96, 48, 32)  # at 4, 8, 16, ... pixels up to the planes' size
    plane_channels: int = 24
    hidden: int = 64
    palette: int = 8  # colours an appearance code chooses; every point mixes them
    sphere_start: bool = True  # the surface before training is a sphere, not what random weights make
    sphere_radius: float = 0.5
    sharpness: float = 15.0  # logit per unit of distance at the start
    mirror: bool = False  # objects are symmetric in y: half of each plane is the other half's mirror image
    framed_codes: bool = False  # codes were learned with the generator; normal ones are moved and stretched to them

    @property
    def plane_size(self) -> int:
        """Texels along a side of each plane."""
        return 4 * 2 ** (len(self.synthesis_channels) - 1)


@dataclass(frozen=True)
class IntervalConfig:
    """Half-width of the interval around surfaces: max(end, start * exp(-kimg / decay_kimg)) (UNISURF, section 3.3).

    Until `wide_until_kimg` a share of the steps takes at least `wide`: a narrow interval has no gradient but at the
    surface, and what lies deeper, the seat between two arms, would stay painted on it.
    """

    start: float = 0.5
    end: float = 0.05
    decay_kimg: float = 15.0
    wide: float = 0.25
    wide_share: float = 0.3
    wide_until_kimg: float = 130.0


@dataclass(frozen=True)
class RendererConfig:
    """How rays find the surface and how finely they integrate it; what they integrate follows from the field."""

    lattice: int = 40  # logits per axis, evaluated once per object to search the surface in
    march_steps: int = 44
    secant_steps: int = 1
    samples: int = 6  # per ray, inside the interval
    interval: IntervalConfig = field(default_factory=IntervalConfig)
    miss_logit: float = -3.0  # rays that stay below are background
    miss_interval: float = 0.12  # least half-width where a ray passes the surface by
    secant_below: float = 0.2  # one secant step on the field once the interval is narrower than this
    normal_step: float = 0.03  # half an edge of the tetrahedron of differences that gives normals


@dataclass(frozen=True)
class ScaledConfig:
    """The smallest extent of a `scaled` patch, as a share of the picture: it shrinks in steps (GRAF, section 3.2)."""

    first_least: float = 0.9  # at the start ...
    least: float = 0.25  # ... and the smallest ever
    step_kimg: float = 8.0  # it shrinks once in so many


@dataclass(frozen=True)
class PatchConfig:
    """Which pixels the discriminator sees, the same for pictures and rays (GRAF, section 3.2).

    `strided` takes every k-th pixel, whole pictures only at first; `scaled` is GRAF's own: a square of random extent
    between a share of the picture, which shrinks in steps, and all of it, at a random place between pixels.
    """

    size: int = 32
    sampling: Literal["strided", "scaled"] = "strided"
    full_until_kimg: float = 25.0  # strided: only the largest stride until here, then every stride equally often
    scaled: ScaledConfig = field(default_factory=ScaledConfig)


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The critic of patches: residual and told pose and patch by projection, or GRAF's plain convolutions, told none.

    Without `pose` a training uses of the data's cameras only which sides they cover.
    """

    architecture: Literal["residual", "graf"] = "residual"
    channels: tuple[int, ...] = (32, 64, 96, 128)
    silhouette: bool = True
    pose: bool = True  # used where the data set has cameras


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms. The first of a pair holds early, the second from `late_kimg` on."""

    r1_gamma: float = 0.25  # for pictures in [0, 1]; four times this in [-1, 1]
    r1_gamma_late: float = 0.25
    smoothness: float = 0.02
    smoothness_late: float = 0.05
    late_kimg: float = 90.0
    r1_every: int = 8
    smoothness_every: int = 4
    smoothness_points: int = 96  # per object
    smoothness_offset: float = 0.01


@dataclass(frozen=True)
class OptimConfig:
    """How both players learn."""

    batch: int = 16
    views: int = 2  # pictures of each shape in a batch, each with an appearance of its own
    rate: float = 4e-3
    discriminator_rate: float = 2e-3
    beta1: float = 0.0
    beta2: float = 0.99
    decay_from: float = 0.6  # share of the run after which rates fall
    final_rate: float = 0.1  # relative rate at the end
    ema_half_life_kimg: float = 10.0
    ema_rampup: float = 0.05  # half-life is at most this share of the pictures seen so far


@dataclass(frozen=True)
class MlpConfig:
    """Sizes of the fully connected fields `unisurf` and `radiance`, as UNISURF published them."""

    width: int = 256
    depth: int = 8
    skip: int = 4  # the layer that reads the encoded position and the code again
    position_octaves: int = 6
    view_octaves: int = 4
    colour_width: int = 256
    colour_depth: int = 4


@dataclass(frozen=True)
class BaselineConfig:
    """Of the published methods alone, fields `unisurf` and `radiance`: presets paper, graf, paper-small, graf-small.

    A tri-plane field reads none of it but `search`, `optimiser` and `halve_at_kimg`.
    """

    mlp: MlpConfig = field(default_factory=MlpConfig)
    search: Literal["lattice", "dense"] = "lattice"  # march a grid of logits, or the field itself as published
    free_samples: int = 0  # more samples between camera and interval (UNISURF) ...
    free_from_kimg: float = 0.0  # ... from here on
    prune: float = 0.0  # samples whose weight the lattice puts below this are not evaluated
    noise: float = 0.0  # standard deviation on raw densities at the start (GRAF), falling linearly ...
    noise_kimg: float = 40.0  # ... to none here
    optimiser: Literal["adam", "rmsprop"] = "adam"
    halve_at_kimg: tuple[float, ...] = ()  # rates are halved at each of these


@dataclass(frozen=True)
class ReconstructionConfig:
    """Learning to show known objects before new ones: where the data hold several pictures of each, from known cameras.

    Two kinds of steps alternate, on points that silhouettes label and on rays too. Shares are of the whole of it, 0 at
    its start and 1 at its end.
    """

    share: float = 1.0  # of the run's budget; 1 leaves nothing for the discriminator, 0 skips reconstruction
    solids_until: float = 0.1  # share of the run on points alone
    solid_steps: float = 0.55  # share of steps on points alone after that ...
    solid_steps_end: float = 0.15  # ... and at the end
    solid_objects: int = 16
    solid_points: int = 1280  # per object
    objects: int = 8  # of a step with rays
    views: int = 4  # per object
    rays: int = 192  # per view
    points: int = 512  # labelled ones per object, beside the rays
    rate: float = 4e-3
    code_rate: float = 0.02
    final_rate: float = 0.02  # relative, at the end of a cosine over the whole run (Loshchilov and Hutter 2017)
    warm_steps: int = 100
    mapping_rate: float = 1.0  # of the mapping networks: codes are learned, not drawn, so they need not lag behind
    code_noise: float = 0.2  # standard deviation at first, relative to a code's own; then it is learned ...
    noise_rate: float = 0.004  # ... its logarithm at this rate ...
    nats_weight: float = 1e-3  # ... against this loss for every nat that a code tells at first, when codes find
    nats_weight_end: float = 2e-4  # ... their places, and at the end, when objects become exact
    colour_weight: float = 3.0
    silhouette_weight: float = 0.5
    solid_weight: float = 0.5  # of labelled points beside rays
    smoothness: float = 0.05
    smoothness_every: int = 4
    smoothness_points: int = 96  # per object
    whole_weight: float = 1.0  # of what joins broken bodies and clears specks, of known objects and new ones ...
    whole_from: float = 0.25  # ... from this share of the run on ...
    whole_every: int = 6  # ... once in so many steps
    pocket_weight: float = 0.05  # at the end, of points at thick parts of a hull, which pictures know better
    interval: float = 0.4  # half-width around surfaces that rays integrate, falling exponentially ...
    interval_end: float = 0.04
    interval_fold: float = 0.08  # ... by e in this share of the run
    wide: float = 0.25  # half-width of the steps that look for pockets
    wide_share: float = 0.3  # of the steps with rays ...
    wide_until: float = 0.6
    wide_share_late: float = 0.2  # ... and after that
    average_steps: float = 600.0  # half-life of the averaged weights


@dataclass(frozen=True)
class Config:
    """A preset: all of the above, what serves every field first."""

    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    renderer: RendererConfig = field(default_factory=RendererConfig)
    patch: PatchConfig = field(default_factory=PatchConfig)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    baseline: BaselineConfig = field(default_factory=BaselineConfig)
    reconstruction: ReconstructionConfig = field(default_factory=ReconstructionConfig)
