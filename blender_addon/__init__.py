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
    operators,
    panels,
    preferences,
    properties,
    train_operators,
)

PARTS = (preferences, desk, properties, operators, explore, live, gallery, favourites, assets, train_operators, panels)


def register() -> None:
    for part in PARTS:
        part.register()


def unregister() -> None:
    for part in reversed(PARTS):
        part.unregister()
