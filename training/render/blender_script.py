"""Runs inside Blender, which takes one file alone, hence its length: renders the pictures that a job file lists.

Started by blender_farm.py, also with Python and its bpy module.

`blender -b -P blender_script.py -- JOB.json` or `python blender_script.py -- JOB.json`. Only lines that begin with
"GEN3D " are meant for the parent: `picture NAME` when one is written, `skip JSON` for a model that cannot be used,
`fail JSON` when going on is pointless, `done` at the end.
"""

# Blender's stubs call almost everything optional and give nodes no attributes of their kind.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalIterable=false, reportArgumentType=false

import json
import os
import sys
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix, Vector

# Blender's importers bring glTF, OBJ and FBX in with Z up and the front at -Y; canonical is the front at +X.
FRONT_TO_X = Matrix.Rotation(1.5707963267948966, 4, "Z")
IMPORTERS = {
    ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".gltf": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".obj": lambda path: bpy.ops.wm.obj_import(filepath=path),
    ".fbx": lambda path: bpy.ops.import_scene.fbx(filepath=path),
    ".ply": lambda path: bpy.ops.wm.ply_import(filepath=path, import_colors="SRGB"),
    ".stl": lambda path: bpy.ops.wm.stl_import(filepath=path),
}
CANONICAL_FILES = {".ply", ".stl"}
GREY = (0.5, 0.5, 0.5, 1.0)
BASE_COLOUR_SOCKETS = {
    "BSDF_PRINCIPLED": "Base Color",
    "BSDF_DIFFUSE": "Color",
    "BACKGROUND": "Color",
    "EMISSION": "Color",
}


class UnusableModel(Exception):
    """The file cannot be read as a model; the message says why."""


def tell(kind: str, text: str = "") -> None:
    """One line for the parent."""
    sys.stdout.write(f"\nGEN3D {kind} {text}\n")
    sys.stdout.flush()


def empty_scene() -> None:
    """Remove everything, data blocks included, so that memory stays flat from model to model."""
    bpy.data.batch_remove([*bpy.data.objects, *bpy.data.meshes, *bpy.data.materials, *bpy.data.images,
                           *bpy.data.armatures, *bpy.data.actions, *bpy.data.cameras, *bpy.data.lights])  # fmt: skip


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


def load_model(path: Path, radius: float) -> None:
    """Import a file, turn its front to +X and place it: bounding box centred, farthest vertex at `radius`.

    Raises UnusableModel when Blender cannot read it or it holds no surface.
    """
    suffix = path.suffix.lower()
    before = set(bpy.data.objects)
    try:
        IMPORTERS[suffix](str(path))
    except RuntimeError as error:
        raise UnusableModel(str(error).strip().splitlines()[-1]) from error
    added = [item for item in bpy.data.objects if item not in before]
    for item in added:
        if item.type != "MESH":
            item.hide_render = True
    points = _world_points(added)
    if not points:
        raise UnusableModel("it holds no surface")
    turn = Matrix.Identity(4) if suffix in CANONICAL_FILES else FRONT_TO_X
    points = [turn @ point for point in points]
    low = Vector([min(p[i] for p in points) for i in range(3)])
    high = Vector([max(p[i] for p in points) for i in range(3)])
    centre = (low + high) / 2
    farthest = max((p - centre).length for p in points)
    if not 1e-9 < farthest < 1e12:
        raise UnusableModel("it has no size, or coordinates that are not finite")
    place = Matrix.Scale(radius / farthest, 4) @ Matrix.Translation(-centre) @ turn
    for item in added:
        if item.parent is None:
            item.matrix_world = place @ item.matrix_world


def _world_points(objects: list[bpy.types.Object]) -> list[Vector]:
    """All vertices that belong to a face, in the world."""
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    points: list[Vector] = []
    for item in objects:
        if item.type == "MESH":
            shape = item.evaluated_get(graph)
            mesh = shape.to_mesh()
            used = {i for polygon in mesh.polygons for i in polygon.vertices}
            points += [shape.matrix_world @ mesh.vertices[i].co for i in used]
            shape.to_mesh_clear()
    return points


def paint(light: dict[str, Any]) -> None:
    """Give every mesh materials that emit base colour x shade(normal) instead of reflecting light."""
    made: dict[tuple[str, str], bpy.types.Material] = {}
    for item in [item for item in bpy.data.objects if item.type == "MESH"]:
        mesh = item.data
        colours = mesh.color_attributes
        attribute = (colours.active_color or colours[0]).name if len(colours) else ""
        if not item.material_slots:
            mesh.materials.append(None)
        for slot in item.material_slots:
            key = (slot.material.name if slot.material else "", attribute)
            if key not in made:
                made[key] = _lit_material(slot.material, attribute, light)
            slot.material = made[key]


def _lit_material(source: bpy.types.Material | None, attribute: str, light: dict[str, Any]) -> bpy.types.Material:
    """A copy of a material that keeps only its base colour (texture, vertex colour or value) and cut-out alpha."""
    material = source.copy() if source else bpy.data.materials.new("grey")
    if not source or not material.use_nodes:
        plain = tuple(material.diffuse_color) if source else GREY
        material.use_nodes = True
        material.node_tree.nodes.clear()
    else:
        plain = GREY
    nodes, links = material.node_tree.nodes, material.node_tree.links
    old = next((n for kind in BASE_COLOUR_SOCKETS for n in nodes if n.type == kind), None)
    socket = old.inputs[BASE_COLOUR_SOCKETS[old.type]] if old else None
    linked = socket is not None and socket.is_linked
    value = socket.default_value if socket is not None else plain
    emission = nodes.new("ShaderNodeEmission")
    multiply = nodes.new("ShaderNodeVectorMath")
    multiply.operation = "MULTIPLY"
    if linked:
        links.new(socket.links[0].from_socket, multiply.inputs[0])
    elif attribute:
        vertex_colour = nodes.new("ShaderNodeAttribute")
        vertex_colour.attribute_name = attribute
        links.new(vertex_colour.outputs["Color"], multiply.inputs[0])
    else:
        multiply.inputs[0].default_value = tuple(value)[:3]
    links.new(_shade(nodes, links, light), multiply.inputs[1])
    links.new(multiply.outputs[0], emission.inputs["Color"])
    surface = emission.outputs[0]
    if old is not None and old.type == "BSDF_PRINCIPLED" and old.inputs["Alpha"].is_linked:
        surface = _cut_out(nodes, links, old.inputs["Alpha"].links[0].from_socket, surface)
    output = material.node_tree.get_output_node("CYCLES") or nodes.new("ShaderNodeOutputMaterial")
    links.new(surface, output.inputs["Surface"])
    for link in [*output.inputs["Volume"].links, *output.inputs["Displacement"].links]:
        links.remove(link)
    return material


def _shade(nodes: Any, links: Any, light: dict[str, Any]) -> Any:
    """clamp(ambient + sum of strength x max(0, n . direction)) of the world normal n that faces the camera."""
    normal = nodes.new("ShaderNodeNewGeometry").outputs["Normal"]
    total: Any = None
    for lamp in light["lamps"]:
        dot = nodes.new("ShaderNodeVectorMath")
        dot.operation = "DOT_PRODUCT"
        links.new(normal, dot.inputs[0])
        dot.inputs[1].default_value = lamp["direction"]
        positive = nodes.new("ShaderNodeMath")
        positive.operation = "MAXIMUM"
        links.new(dot.outputs["Value"], positive.inputs[0])
        positive.inputs[1].default_value = 0.0
        add = nodes.new("ShaderNodeMath")
        add.operation = "MULTIPLY_ADD"
        links.new(positive.outputs[0], add.inputs[0])
        add.inputs[1].default_value = lamp["strength"]
        if total is None:
            add.inputs[2].default_value = light["ambient"]
        else:
            links.new(total, add.inputs[2])
        add.use_clamp = True
        total = add.outputs[0]
    return total


def _cut_out(nodes: Any, links: Any, alpha: Any, surface: Any) -> Any:
    """Transparent where alpha is below one half. Glass stays opaque: a silhouette needs a solid object."""
    opaque = nodes.new("ShaderNodeMath")
    opaque.operation = "GREATER_THAN"
    opaque.inputs[1].default_value = 0.5
    links.new(alpha, opaque.inputs[0])
    mix = nodes.new("ShaderNodeMixShader")
    links.new(opaque.outputs[0], mix.inputs[0])
    links.new(nodes.new("ShaderNodeBsdfTransparent").outputs[0], mix.inputs[1])
    links.new(surface, mix.inputs[2])
    return mix.outputs[0]


def render_model(model: dict[str, Any], job: dict[str, Any]) -> None:
    """All pictures of one model."""
    empty_scene()
    camera = set_up(job)
    load_model(Path(model["file"]), job["radius"])
    paint(job["light"])
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
