# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gen3D in Blender: press Generate and get a new coloured mesh. A process of its own does the work, see worker/."""

from .queue import adjust_session, queue, service
from .scene import bake, placing
from .ui import (
    assets,
    explore,
    favourites,
    gallery,
    generate,
    morph,
    morph_settings,
    panels,
    picture,
    preferences,
    presets,
    properties,
    train,
)

PARTS = (
    *(preferences, queue, service, morph_settings, properties, presets, placing, generate, explore, adjust_session),
    *(gallery, favourites, morph, picture, assets, bake, train, panels),
)


def register() -> None:
    for part in PARTS:
        part.register()


def unregister() -> None:
    for part in reversed(PARTS):
        part.unregister()
