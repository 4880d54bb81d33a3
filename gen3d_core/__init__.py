"""Gen3D: coloured 3D objects from a model that learned one kind of object from pictures.

    import gen3d_core
    gen3d_core.load("chairs").sample(seed=7).save("chair.glb")

The public face is what `__all__` names. Clients of the worker speak `gen3d_core.protocol`. All other modules are
private: they may change from version to version. Mistakes outside the program, a bad file or number, raise
`gen3d_core.errors.Gen3DError`, a `ValueError` whose text is one line for a person.

Importing this package is light; numpy and onnxruntime are loaded when a name is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from gen3d_core.version import __version__ as __version__

if TYPE_CHECKING:
    from gen3d_core.codes.codes import Codes as Codes
    from gen3d_core.codes.path import Path as Path
    from gen3d_core.inversion.encode import encode as encode
    from gen3d_core.mesh.mesh import Mesh as Mesh
    from gen3d_core.model.model import Model as Model
    from gen3d_core.model.model import load as load
    from gen3d_core.morphing.interpolate import interpolate as interpolate

__all__ = ["Codes", "Mesh", "Model", "Path", "encode", "interpolate", "load"]

_HOMES = {
    "Codes": "codes.codes",
    "Mesh": "mesh.mesh",
    "Model": "model.model",
    "Path": "codes.path",
    "encode": "inversion.encode",
    "interpolate": "morphing.interpolate",
    "load": "model.model",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
