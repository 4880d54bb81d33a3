"""Inside Blender: materials that emit base colour x shade(normal) instead of reflecting light."""

# Blender's stubs call almost everything optional and give nodes no attributes of their kind.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportArgumentType=false, reportOptionalIterable=false

from typing import Any

import bpy
import numpy as np

from training.render.notes import GLASS, TEXTURE, Note

GREY = (0.5, 0.5, 0.5, 1.0)
CLEAR = 0.05
"""Alpha below which a material counts as not there; above it, it is drawn solid."""
_SEEN = 0.1
"""The same for each pixel of a texture."""
_GLASSY = 0.9
BASE_COLOUR_SOCKETS = {
    "BSDF_PRINCIPLED": "Base Color",
    "BSDF_DIFFUSE": "Color",
    "BACKGROUND": "Color",
    "EMISSION": "Color",
}


def paint(parts: list[bpy.types.Object], light: dict[str, Any]) -> list[Note]:
    """Give every mesh such materials. What they cannot show as the file says is returned."""
    made: dict[tuple[str, str], bpy.types.Material] = {}
    notes: dict[Note, None] = {}
    for item in parts:
        mesh = item.data
        if not item.material_slots:
            mesh.materials.append(None)
        for slot in item.material_slots:
            attribute = _vertex_colours(mesh, slot.material)
            key = (slot.material.name if slot.material else "", attribute)
            if key not in made:
                made[key], told = _lit_material(slot.material, attribute, light)
                notes |= dict.fromkeys(told)
            slot.material = made[key]
    return list(notes)


def plain_alpha(material: bpy.types.Material) -> float:
    """The alpha that a material has everywhere; 1 where a texture tells it."""
    shader = _shader(material) if material.use_nodes else None
    if shader is None or shader.type != "BSDF_PRINCIPLED" or shader.inputs["Alpha"].is_linked:
        return 1.0
    return float(shader.inputs["Alpha"].default_value)


def _shader(material: bpy.types.Material) -> Any:
    return next((n for kind in BASE_COLOUR_SOCKETS for n in material.node_tree.nodes if n.type == kind), None)


def _vertex_colours(mesh: bpy.types.Mesh, material: bpy.types.Material | None) -> str:
    """The layer of colours to show; '' where there is none, or one that nobody painted beside a material."""
    layers = mesh.color_attributes
    if not len(layers):
        return ""
    layer = layers.active_color or layers[0]
    if material is not None:
        values = np.empty(4 * len(layer.data), np.float32)
        layer.data.foreach_get("color", values)
        colours = values.reshape(-1, 4)[:, :3]
        if not len(colours) or (colours < 0.001).all() or (colours > 0.999).all():
            return ""
    return layer.name


def _lit_material(
    source: bpy.types.Material | None, attribute: str, light: dict[str, Any]
) -> tuple[bpy.types.Material, list[Note]]:
    """A copy of a material that keeps only its colour (texture, vertex colour or value) and cut-out alpha."""
    material = source.copy() if source else bpy.data.materials.new("grey")
    if not source or not material.use_nodes:
        plain = tuple(material.diffuse_color) if source else GREY
        material.use_nodes = True
        material.node_tree.nodes.clear()
    else:
        plain = GREY
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = _shader(material)
    notes: list[Note] = [(TEXTURE, name) for name in _replace_missing(nodes, links, shader)] if shader else []
    colour = _colour(nodes, links, shader, plain, attribute)
    lit = nodes.new("ShaderNodeVectorMath")
    lit.operation = "MULTIPLY"
    links.new(colour, lit.inputs[0])
    links.new(_shade(nodes, links, light), lit.inputs[1])
    emission = nodes.new("ShaderNodeEmission")
    links.new(lit.outputs[0], emission.inputs["Color"])
    surface = emission.outputs[0]
    if shader is not None and shader.type == "BSDF_PRINCIPLED":
        if _see_through(material, shader):
            notes.append((GLASS, source.name))
        surface = _cut_out(nodes, links, shader.inputs["Alpha"], surface)
    output = material.node_tree.get_output_node("CYCLES") or nodes.new("ShaderNodeOutputMaterial")
    links.new(surface, output.inputs["Surface"])
    for link in [*output.inputs["Volume"].links, *output.inputs["Displacement"].links]:
        links.remove(link)
    return material, notes


def _replace_missing(nodes: Any, links: Any, shader: Any) -> list[str]:
    """Take textures without a picture out: a socket's own value counts instead, and white where it is multiplied on the
    way. Returns the names of those pictures that would have been seen."""
    missing = []
    own = [shader.inputs[name] for name in ("Base Color", "Color", "Emission Color", "Alpha") if name in shader.inputs]
    for node in [node for node in nodes if node.type == "TEX_IMAGE" and _is_missing(node.image)]:
        seen = False
        for output in node.outputs:
            for link in [*output.links]:
                target = link.to_socket
                seen |= _leads_to(link.to_node, target, own, shader)
                links.remove(link)
                if target not in own:
                    white = nodes.new("ShaderNodeRGB" if output.name == "Color" else "ShaderNodeValue").outputs[0]
                    white.default_value = (1.0, 1.0, 1.0, 1.0) if output.name == "Color" else 1.0
                    links.new(white, target)
        if seen:
            missing.append(_file_name(node.image))
    return missing


def _is_missing(image: bpy.types.Image | None) -> bool:
    return image is None or image.size[0] == 0  # asking for the size loads it


def _file_name(image: bpy.types.Image | None) -> str:
    path = image.filepath if image else ""
    return path.replace("\\", "/").rpartition("/")[2] or (image.name if image else "no name")


def _leads_to(node: Any, socket: Any, wanted: list[Any], shader: Any) -> bool:
    """Whether what enters a node there reaches one of a shader's sockets."""
    if node == shader:
        return socket in wanted
    return any(
        _leads_to(link.to_node, link.to_socket, wanted, shader) for output in node.outputs for link in output.links
    )


def _colour(nodes: Any, links: Any, shader: Any, plain: tuple[float, ...], attribute: str) -> Any:
    """The socket that gives the colour: what the surface reflects or, where that is more, what it emits."""
    base = shader.inputs[BASE_COLOUR_SOCKETS[shader.type]] if shader else None
    if base is not None and base.is_linked:
        colour = base.links[0].from_socket
    elif attribute:
        vertex_colour = nodes.new("ShaderNodeAttribute")
        vertex_colour.attribute_name = attribute
        colour = vertex_colour.outputs["Color"]
    else:
        colour = _constant(nodes, plain if base is None else base.default_value)
    glow = _glow(nodes, links, shader)
    if glow is None:
        return colour
    larger = nodes.new("ShaderNodeVectorMath")
    larger.operation = "MAXIMUM"
    links.new(colour, larger.inputs[0])
    links.new(glow, larger.inputs[1])
    return larger.outputs[0]


def _glow(nodes: Any, links: Any, shader: Any) -> Any:
    """What a material emits, at most the full colour; None where that is nothing."""
    if shader is None or shader.type != "BSDF_PRINCIPLED":
        return None
    colour, strength = shader.inputs["Emission Color"], shader.inputs["Emission Strength"]
    amount = 1.0 if strength.is_linked else min(float(strength.default_value), 1.0)
    if amount <= 0 or not (colour.is_linked or any(value > 0 for value in tuple(colour.default_value)[:3])):
        return None
    scaled = nodes.new("ShaderNodeVectorMath")
    scaled.operation = "SCALE"
    links.new(colour.links[0].from_socket if colour.is_linked else _constant(nodes, colour.default_value),
              scaled.inputs[0])  # fmt: skip
    scaled.inputs["Scale"].default_value = amount
    return scaled.outputs[0]


def _constant(nodes: Any, colour: Any) -> Any:
    node = nodes.new("ShaderNodeRGB")
    node.outputs[0].default_value = (*tuple(colour)[:3], 1.0)
    return node.outputs[0]


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


def _see_through(material: bpy.types.Material, shader: Any) -> bool:
    """Whether light goes through what is drawn solid: glass, or a texture that is blended rather than cut out."""
    alpha, transmission = shader.inputs["Alpha"], shader.inputs["Transmission Weight"]
    if transmission.is_linked or transmission.default_value > 0.1:
        return True
    if alpha.is_linked:
        return material.surface_render_method == "BLENDED"
    return CLEAR <= alpha.default_value < _GLASSY


def _cut_out(nodes: Any, links: Any, alpha: Any, surface: Any) -> Any:
    """Nothing where alpha says that there is next to nothing. Glass is solid: a silhouette needs a solid object."""
    if not alpha.is_linked and alpha.default_value >= CLEAR:
        return surface
    mix = nodes.new("ShaderNodeMixShader")
    if alpha.is_linked:
        opaque = nodes.new("ShaderNodeMath")
        opaque.operation = "GREATER_THAN"
        opaque.inputs[1].default_value = _SEEN
        links.new(alpha.links[0].from_socket, opaque.inputs[0])
        links.new(opaque.outputs[0], mix.inputs[0])
    else:
        mix.inputs[0].default_value = 0.0
    links.new(nodes.new("ShaderNodeBsdfTransparent").outputs[0], mix.inputs[1])
    links.new(surface, mix.inputs[2])
    return mix.outputs[0]
