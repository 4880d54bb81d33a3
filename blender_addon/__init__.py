# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gen3D in Blender: press Generate and get a new coloured mesh. A process of its own does the work, see client.py."""

from . import (
    assets,
    desk,
    explore,
    favourites,
    gallery,
    live,
    morph_operators,
    morph_settings,
    operators,
    panels,
    picture,
    placing,
    preferences,
    presets,
    properties,
    texture,
    train_operators,
    work,
)

PARTS = (
    *(preferences, work, desk, morph_settings, properties, presets, placing, operators, explore, live, gallery),
    *(favourites, morph_operators, picture, assets, texture, train_operators, panels),
)


def register() -> None:
    for part in PARTS:
        part.register()


def unregister() -> None:
    for part in reversed(PARTS):
        part.unregister()
