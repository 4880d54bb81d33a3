# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process as Blender sees it. Nothing here knows ``bpy``."""
