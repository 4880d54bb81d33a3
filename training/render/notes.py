"""What models' pictures show otherwise than their files say, told in one line for each kind."""

from collections.abc import Mapping, Sequence

Note = tuple[str, str]
"""A kind of the below, and what of the model is meant."""
LIBRARY, TEXTURE, GLASS = "library", "texture", "glass"
DWARFED, STRAY, COARSE, LEFT_OUT = "dwarfed", "stray", "coarse", "left out"
_WORDS = {
    LIBRARY: "name files of materials that are not there, and are grey",
    TEXTURE: "name pictures that are not there or cannot be read, and show the colours of their materials instead",
    GLASS: "have see-through materials, which are drawn solid",
    DWARFED: "are small beside a part that makes them many times as large: --leave-out NAME leaves a part out",
    STRAY: "are small, for a few of their points lie many times as far out as the others",
    COARSE: "lie so far from their origin that Blender's 32 bits round their shape: move them to the origin",
    LEFT_OUT: "are drawn without the parts that --leave-out names (how many)",
}
_SHOWN = 8


def lines(notes: Mapping[str, Mapping[str, Sequence[str]]], models: int) -> list[str]:
    """For each kind a line of how many of the `models` it concerns and which; `notes` holds lists by kind and model."""
    told = []
    for kind in (kind for kind in _WORDS if notes.get(kind)):
        concerned = [f"{model} ({', '.join(what)})" for model, what in notes[kind].items()]
        more = f", and {len(concerned) - _SHOWN} more" if len(concerned) > _SHOWN else ""
        told.append(f"{len(concerned)} of {models} models {_WORDS[kind]}: {', '.join(concerned[:_SHOWN])}{more}")
    return told
