# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gen3D in Blender: press Generate and get a new coloured mesh. A process of its own does the work, see worker/."""

from .queue import report, service
from .scene import placing
from .ui import (
    adjust,
    assets,
    bake,
    explore,
    favourites,
    gallery,
    generate,
    morph,
    morph_settings,
    panels,
    panels_below,
    picture,
    preferences,
    presets,
    properties,
    train,
)

PARTS = (
    *(preferences, report, service, morph_settings, properties, presets, placing, generate, explore, adjust),
    *(gallery, favourites, morph, picture, assets, bake, train, panels, panels_below),
)


def register() -> None:
    for part in PARTS:
        part.register()


def unregister() -> None:
    for part in reversed(PARTS):
        part.unregister()
