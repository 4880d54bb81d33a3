"""Several files that belong together, written together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from gen3d_core.files import make_folder, replacing


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files beside their places, then move them there; the first one last, so that it tells of the others.

    None is moved unless all could be written. Raises OutputError.
    """
    make_folder(folder)
    with ExitStack() as stack:  # it leaves in reverse order
        for name, content in files.items():
            file = stack.enter_context(replacing(folder / name))
            file.write(content)
            file.flush()  # a full disk is to show here, not when some files are in their places already
