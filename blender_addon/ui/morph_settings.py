# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user chooses for morphs, kept with the scene."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from gen3d_core import protocol

from .. import compat


class GEN3D_PG_morph(bpy.types.PropertyGroup):
    source: EnumProperty(
        name="Through",
        description="Which objects the morph leads through",
        items=[
            ("SELECTED", "Selected", "The selected generated objects, the active one first, then by name"),
            ("SEEDS", "Seeds", "Objects of the model above, by their seeds"),
        ],
    )
    seeds: StringProperty(
        name="Seeds",
        description="Two or more, such as 3 8 12; 3/8 is the shape of 3 with the appearance of 8",
        default="3 8 12",
    )
    vary: EnumProperty(
        name="Morph",
        description="What changes on the way",
        items=[
            ("BOTH", "Both", "Shape and appearance"),
            ("SHAPE", "Shape", "The shape alone; the first object's appearance stays"),
            ("APPEARANCE", "Appearance", "The appearance alone; the first object's shape stays"),
        ],
    )
    kind: EnumProperty(
        name="As",
        description="What the object is made of",
        items=[
            ("morph", "Shape Keys", "One mesh that moves smoothly, as long as its topology can stay"),
            ("flipbook", "Flipbook", "An exact mesh of its own for every step"),
        ],
    )
    steps: IntProperty(
        name="Steps",
        description="Meshes on the whole way",
        default=24,
        min=protocol.limits.MORPH_STEPS[0],
        max=protocol.limits.MORPH_STEPS[1],
        soft_max=96,
    )
    path: EnumProperty(
        name="Path",
        description="How it leads from object to object",
        items=[
            ("slerp", "Arcs", "Through objects as typical as those at its ends"),
            ("lerp", "Straight", "Through more average objects on the way"),
            ("catmull-rom", "Curve", "Without corners at the objects"),
        ],
    )
    even: BoolProperty(
        name="Even Motion", description="Let the shape change equally much with every step", default=False
    )
    after_change: EnumProperty(
        name="Where Topology Changes",
        description="What to do where an arm rest appears, say, which no moving mesh can show",
        items=[
            ("segment", "Next Mesh", "Go on with a new mesh in the same object"),
            ("stop", "Stop", "End the morph there"),
        ],
    )
    frame_start: IntProperty(name="Start", description="Frame of the first object", default=1)
    frame_end: IntProperty(name="End", description="Frame of the last object", default=120)
    easing: EnumProperty(
        name="Easing",
        description="How it moves between two objects",
        items=[
            ("LINEAR", "Linear", "Steadily"),
            ("EASE", "Ease", "Slowly from and to each object"),
            ("SMOOTH", "Bézier", "With handles in the Graph Editor"),
        ],
    )
    repeat: EnumProperty(
        name="Repeat",
        description="What comes after the last object",
        items=[
            ("ONCE", "Once", "It stays"),
            ("LOOP", "Loop", "The way leads on to the first object, and begins again"),
            ("PING_PONG", "Ping-Pong", "Back the same way"),
        ],
    )


register, unregister = compat.class_registration((GEN3D_PG_morph,))
