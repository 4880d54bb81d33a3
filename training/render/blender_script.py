"""Runs inside Blender: renders the pictures that a job file lists. Started by blender_farm.py, also without Blender by
Python and its bpy module.

`blender -b -P blender_script.py -- JOB.json` or `python blender_script.py -- JOB.json`. Only lines that begin with
"GEN3D " are meant for the parent: `picture NAME` when one is written, `note JSON` for what is drawn otherwise than its
file says, `skip JSON` for a model that cannot be used, `fail JSON` when going on is pointless, `done` at the end.
"""

# Blender's stubs call almost everything optional.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import json
import os
import sys
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix

sys.path.append(str(Path(__file__).resolve().parents[2]))  # last: Blender's own libraries come first

from training.render.blender_model import UnusableModel, load_model  # noqa: E402
from training.render.blender_paint import paint  # noqa: E402


def tell(kind: str, text: str = "") -> None:
    """One line for the parent."""
    sys.stdout.write(f"\nGEN3D {kind} {text}\n")
    sys.stdout.flush()


def empty_scene() -> None:
    """Remove everything, data blocks included, so that memory stays flat from model to model."""
    bpy.data.batch_remove([*bpy.data.objects, *bpy.data.meshes, *bpy.data.materials, *bpy.data.images,
                           *bpy.data.armatures, *bpy.data.actions, *bpy.data.cameras, *bpy.data.lights,
                           *bpy.data.collections])  # fmt: skip


def set_up(job: dict[str, Any]) -> bpy.types.Object:
    """Cycles without light paths: transparent film, unaltered colours, no noise. Returns the camera."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = job["samples"]
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.threads_mode = "FIXED"
    scene.render.threads = 1
    scene.render.film_transparent = True
    scene.render.dither_intensity = 0.0
    scene.render.resolution_x = scene.render.resolution_y = job["size"]
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "8"
    scene.world = None
    data = bpy.data.cameras.new("camera")
    data.lens_unit, data.angle = "FOV", job["fov"]
    data.clip_start, data.clip_end = 0.1, 100.0
    camera = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def render_model(model: dict[str, Any], job: dict[str, Any]) -> None:
    """All pictures of one model."""
    empty_scene()
    camera = set_up(job)
    parts, notes = load_model(Path(model["file"]), job["radius"], job["leave_out"])
    notes += paint(parts, job["light"])
    for kind, what in notes:
        tell("note", json.dumps({"file": model["file"], "kind": kind, "what": what}))
    for picture in model["pictures"]:
        camera.matrix_world = Matrix(picture["camera"])
        target = Path(job["folder"]) / picture["name"]
        bpy.context.scene.render.filepath = str(target)
        bpy.ops.render.render(write_still=True)
        if not target.is_file() or target.stat().st_size == 0:
            raise OSError(f"Blender could not write {target.name}")
        tell("picture", picture["name"])


def main() -> int:
    """Render the job named after `--`; returns the exit status."""
    job = json.loads(Path(sys.argv[sys.argv.index("--") + 1]).read_text(encoding="utf-8"))
    for model in job["models"]:
        try:
            render_model(model, job)
        except UnusableModel as error:
            tell("skip", json.dumps({"file": model["file"], "reason": str(error)}))
        except (OSError, RuntimeError) as error:
            tell("fail", json.dumps({"file": model["file"], "reason": str(error)}))
            return 1
    tell("done")
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # Blender may hang or crash while it shuts down; everything is on the disk by now
