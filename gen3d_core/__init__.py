"""Gen3D: coloured 3D objects from a model that learned one kind of object from pictures.

    import gen3d_core
    mesh = gen3d_core.load("chairs").sample(seed=7, resolution=128)

Importing this package is light; numpy and onnxruntime are loaded with the first use of `load` or `Mesh`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gen3d_core.version import __version__

if TYPE_CHECKING:
    from gen3d_core.mesh.mesh import Mesh as Mesh
    from gen3d_core.model.model import load as load

__all__ = ["Mesh", "__version__", "load"]


def __getattr__(name: str) -> object:
    if name == "load":
        from gen3d_core.model.model import load

        return load
    if name == "Mesh":
        from gen3d_core.mesh.mesh import Mesh

        return Mesh
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
