"""Schedules at their ends and in between, from numbers worked out by hand."""

import math

import pytest

from gen3d_core.adversarial import schedule
from gen3d_core.config import IntervalConfig, LossConfig, OptimConfig


def test_the_interval_starts_wide_and_narrows_exponentially_to_its_end() -> None:
    config = IntervalConfig(start=0.5, end=0.05, decay_kimg=50.0)
    assert schedule.interval_half_width(0, config) == 0.5
    assert schedule.interval_half_width(50, config) == pytest.approx(0.5 / math.e)
    assert schedule.interval_half_width(50 * math.log(5), config) == pytest.approx(0.1)
    assert schedule.interval_half_width(50 * math.log(10) + 1e-6, config) == 0.05
    assert schedule.interval_half_width(1e9, config) == 0.05


def test_some_steps_are_wide_until_they_no_longer_are() -> None:
    config = IntervalConfig(wide_share=0.3, wide_until_kimg=130)
    assert [schedule.wide_chance(kimg, config) for kimg in (0, 129.9, 130, 1e6)] == [0.3, 0.3, 0, 0]
    assert schedule.wide_chance(0, IntervalConfig(wide_share=0)) == 0


def test_the_interval_never_widens() -> None:
    widths = [schedule.interval_half_width(kimg, IntervalConfig()) for kimg in range(300)]
    assert all(after <= before for before, after in zip(widths, widths[1:], strict=False))


def test_r1_is_strong_until_late_and_weak_from_then_on() -> None:
    config = LossConfig(r1_gamma=1.0, r1_gamma_late=0.2, late_kimg=90.0)
    assert schedule.r1_gamma(0, config) == schedule.r1_gamma(89.999, config) == 1.0
    assert schedule.r1_gamma(90, config) == schedule.r1_gamma(1e6, config) == 0.2


def test_smoothness_rises_linearly_and_stays() -> None:
    config = LossConfig(smoothness=0.02, smoothness_late=0.1, late_kimg=80.0)
    assert schedule.smoothness_weight(0, config) == pytest.approx(0.02)
    assert schedule.smoothness_weight(20, config) == pytest.approx(0.04)
    assert schedule.smoothness_weight(40, config) == pytest.approx(0.06)
    assert schedule.smoothness_weight(80, config) == schedule.smoothness_weight(1e6, config) == pytest.approx(0.1)


def test_smoothness_without_an_early_phase_is_late_from_the_start() -> None:
    assert schedule.smoothness_weight(0, LossConfig(smoothness_late=0.3, late_kimg=0.0)) == pytest.approx(0.3)


def test_rates_are_flat_and_then_fall_geometrically() -> None:
    config = OptimConfig(decay_from=0.6, final_rate=0.1)
    assert [schedule.relative_rate(p, 0, config) for p in (0.0, 0.3, 0.6)] == [1.0] * 3
    assert schedule.relative_rate(0.8, 0, config) == pytest.approx(math.sqrt(0.1))
    assert schedule.relative_rate(1.0, 0, config) == pytest.approx(0.1)


@pytest.mark.parametrize("decay_from", [0.0, 1.0])
def test_rates_are_finite_when_they_fall_always_or_never(decay_from: float) -> None:
    config = OptimConfig(decay_from=decay_from, final_rate=0.1)
    assert schedule.relative_rate(0.0, 0, config) == 1.0
    assert schedule.relative_rate(0.5, 0, config) == pytest.approx(math.sqrt(0.1) if decay_from == 0 else 1.0)


def test_rates_are_halved_at_the_named_counts() -> None:
    config, halvings = OptimConfig(decay_from=1.0), (400.0, 800.0, 1600.0)
    found = [schedule.relative_rate(0.0, kimg, config, halvings) for kimg in (0, 399.9, 400, 800, 5000)]
    assert found == [1.0, 1.0, 0.5, 0.25, 0.125]


def test_half_of_the_average_is_forgotten_after_a_half_life() -> None:
    config = OptimConfig(batch=40, ema_half_life_kimg=10.0, ema_rampup=0.05)
    late = schedule.ema_decay(10_000_000, config)
    assert late ** (10_000 / 40) == pytest.approx(0.5)


def test_early_on_the_half_life_is_a_share_of_what_was_seen() -> None:
    config = OptimConfig(batch=40, ema_half_life_kimg=10.0, ema_rampup=0.05)
    assert schedule.ema_decay(100_000, config) == pytest.approx(0.5 ** (40 / 5000))
    assert schedule.ema_decay(0, config) == 0.0
