"""Files from strangers: every size, number and text of them is bounded, and what is wrong is one line."""

import io
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gen3d_core
from gen3d_core.errors import Gen3DError, plain
from gen3d_core.model import members
from gen3d_core.model.archive import ModelFileError, read_model
from gen3d_core.protocol.json_objects import as_object
from gen3d_core.worker.listing import entry_of
from tests.analytic import write_ellipsoid_model
from tests.core.model.test_archive import complaint, rewritten

ROOT = Path(__file__).resolve().parents[3]


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"truncation": 10**400}, "truncation"), ({"training": {"x": 10**400}}, "about 400 digits"),
        ({"metrics": {"x": float("inf")}}, "not finite"), ({"format_version": 10**400}, "newer"),
        ({"training": nested(600)}, "nested"), ({"training": nested(40)}, "nested"),
        ({"category": "x" * 201}, "category"), ({"licence": "x" * 2001}, "licence"),
        ({"attribution": ["x" * 2001]}, "attribution"),
    ],
)  # fmt: skip
def test_manifests_beyond_reason(ellipsoids: Path, tmp_path: Path, change: dict, expected: str):
    line = complaint(rewritten(ellipsoids, tmp_path / "odd.gen3d", manifest=change))
    assert expected in line and len(line) < 400


def test_names_that_are_no_text(ellipsoids: Path, tmp_path: Path):
    """A member whose name says that it is UTF-8 and is not."""
    path = rewritten(ellipsoids, tmp_path / "name.gen3d", add={"é": b"x"})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    assert "damaged" in complaint(path)


def test_offsets_beyond_every_file(ellipsoids: Path, tmp_path: Path):
    """A zip64 record that puts a member behind 2^63 bytes."""
    with zipfile.ZipFile(ellipsoids) as old, zipfile.ZipFile(tmp_path / "far.gen3d", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        first = new.infolist()[0]
        first.header_offset = 2**32  # written as zip64
    data = (tmp_path / "far.gen3d").read_bytes()
    record = struct.pack("<HHQ", 1, 8, 2**32)
    assert record in data
    for far in (2**63, 2**64 - 1):
        (tmp_path / "far.gen3d").write_bytes(data.replace(record, struct.pack("<HHQ", 1, 8, far)))
        complaint(tmp_path / "far.gen3d")


def test_a_list_of_members_without_end(ellipsoids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(members, "_LONGEST_LIST", 4 << 10)
    monkeypatch.setattr(members, "_ZIP_START", b"PK")
    path = rewritten(ellipsoids, tmp_path / "many.gen3d", add={f"{i:0>40}": b"" for i in range(100)})
    assert "too long" in complaint(path)


def test_all_members_together_have_a_limit(ellipsoids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, what in (("MAX_TOTAL", "its members"), ("MAX_GRAPHS", "its graphs")):
        with monkeypatch.context() as patch:
            patch.setattr(members, name, 2000)
            assert f"refused, {what} unpack" in complaint(ellipsoids)


def test_zeros_that_unpack_to_much_cost_no_memory(ellipsoids: Path, tmp_path: Path):
    """Four graphs of 64 MB of zeros in a small file are refused before the first is unpacked."""
    zeros = b"\0" * (64 << 20)
    with zipfile.ZipFile(ellipsoids) as old, zipfile.ZipFile(tmp_path / "z.gen3d", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, zeros if name.endswith(".onnx") else old.read(name))
    del zeros
    script = (
        "import sys, gen3d_core; from tests.memory import peak_mb\n"
        "try: gen3d_core.load(sys.argv[1])\n"
        "except ValueError as error: print(error)\n"
        "print(peak_mb())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "z.gen3d")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    said, peak = done.stdout.splitlines()
    assert "its members unpack to 256 MB together" in said and done.stderr == ""
    assert int(peak) < 200


def packed(side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((side, side, 4), np.uint8)).save(file, format="PNG")
    return file.getvalue()


def test_a_damaged_preview_is_an_error_of_its_model_alone(ellipsoids: Path, tmp_path: Path):
    bitmap = io.BytesIO()
    Image.new("RGB", (8, 8)).save(bitmap, format="BMP")
    for name, data in {"cut": packed()[:40], "text": b"text", "bmp": bitmap.getvalue(), "large": packed(2049)}.items():
        path = rewritten(ellipsoids, tmp_path / f"{name}.gen3d", add={"preview.png": data})
        with pytest.raises(ModelFileError, match=rf"{name}.gen3d: its preview"):
            entry_of(path, tmp_path)
        assert gen3d_core.load(path).name == "ellipsoids"
    good = rewritten(ellipsoids, tmp_path / "good.gen3d", add={"preview.png": packed()})
    assert (tmp_path / entry_of(good, tmp_path).preview).read_bytes() == packed()


def test_what_is_listed_is_plain_and_bounded(tmp_path: Path):
    path = write_ellipsoid_model(
        tmp_path / "a.gen3d",
        category="ch\x1b[31mairs\n",
        licence="CC\u202e0",
        attribution=[f"Ann {number} \x07" + "x" * 1000 for number in range(50)],
    )
    entry = entry_of(path, tmp_path)
    text = json.dumps(as_object(entry), ensure_ascii=False)
    assert len(text) < 20_000 and not any(ord(letter) < 32 or letter in "\x7f\u202e" for letter in text)
    assert entry.attribution[0].startswith("Ann 0") and "more: gen3d info a.gen3d" in entry.attribution[-1]


def test_plain_texts():
    assert plain("a\x1b]0;t\x07b\r\nc\td") == "a\ufffd]0;t\ufffdb c d"
    assert plain("x" * 50, 10) == "x" * 9 + "…" and plain(3.5) == "3.5"
    assert plain("Zoë, 椅子") == "Zoë, 椅子"


def test_all_complaints_name_the_file(ellipsoids: Path, tmp_path: Path):
    path = rewritten(ellipsoids, tmp_path / "a.gen3d", manifest={"name": "\x1b[2J"})
    with pytest.raises(Gen3DError) as caught:
        read_model(path)
    assert "\x1b" not in str(caught.value)
