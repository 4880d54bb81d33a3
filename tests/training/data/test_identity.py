"""Models and pictures are told apart by their path below the source, not by their name."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gen3d_core.errors import Gen3DError
from gen3d_core.pictures.pinhole import camera_to_world
from training.data.attribution import credit
from training.data.dataset import load_dataset
from training.data.meshes import read_meshes
from training.data.prepare import prepare


def models(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    return paths


def test_models_of_one_name_keep_their_own_licences_and_credits(tmp_path: Path) -> None:
    paths = models(tmp_path, "a/model.obj", "b/model.obj", "c/model.obj", "c/stool.obj")
    entries = [
        {"file": "a/model.obj", "licence": "CC0-1.0", "author": "Ann"},
        {"file": ".\\b\\model.obj", "licence": "CC-BY-4.0", "author": "Bob"},
        {"file": "c/model.obj", "licence": "CC-BY-4.0", "author": "Bob"},
        {"file": "c/stool.obj", "licence": "CC0-1.0", "author": "Ann"},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(entries), encoding="utf-8-sig")
    assert credit(tmp_path, paths) == (
        "CC-BY-4.0, CC0-1.0",
        ["Ann, CC0-1.0: a/model, stool", "Bob, CC-BY-4.0: b/model, c/model"],
    )
    assert credit(tmp_path, [paths[1]]) == ("CC-BY-4.0", ["Bob, CC-BY-4.0: model"]), "another of the name was left out"
    assert credit(paths[0], [paths[0]]) == ("not stated by the source", [])
    assert credit(paths[3], [paths[3]]) == ("not stated by the source", [])


def test_one_file_is_credited_by_the_manifest_beside_it(tmp_path: Path) -> None:
    (path,) = models(tmp_path, "model.obj")
    (tmp_path / "manifest.json").write_text(json.dumps([{"file": "model.obj", "licence": "CC0-1.0", "author": "Ann"}]))
    assert credit(path, [path]) == ("CC0-1.0", ["Ann, CC0-1.0: model"])


def test_broken_models_are_named_by_their_path(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    models(tmp_path, "a/model.obj", "b/model.obj", "c/model.obj")
    (tmp_path / "b" / "model.obj").write_text("nothing")
    assert len(read_meshes(tmp_path, 9)) == 2 and "skipped b/model.obj: " in caplog.text
    (tmp_path / "c" / "model.obj").write_text("nothing")
    with pytest.raises(Gen3DError, match=r"1 of its 3 can be read; [bc]/model\.obj: "):
        read_meshes(tmp_path, 9)


def test_pictures_of_one_name_are_named_by_their_path_and_keep_their_models(tmp_path: Path) -> None:
    frames = []
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[8:24, 8:24] = 200
    for i, part in enumerate(("train", "val", "test")):
        (tmp_path / "set" / part).mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "set" / part / "r_0.png")
        matrix = camera_to_world(i, 0.3, 4.0).tolist()
        frames.append({"file_path": f"{part}/r_0", "transform_matrix": matrix, "model": f"{part}/model.obj"})
    (tmp_path / "set" / "val" / "r_0.png").write_bytes(b"broken")
    content = {"camera_angle_x": float(np.radians(30)), "frames": frames}
    (tmp_path / "set" / "transforms.json").write_text(json.dumps(content))
    prepare(tmp_path / "set", tmp_path / "out", size=32)
    for folder in (tmp_path / "set", tmp_path / "out"):
        dataset = load_dataset(folder)
        assert dataset.models == ("train/model.obj", "test/model.obj")
    assert load_dataset(tmp_path / "set").skipped == ("val/r_0.png (not a picture)",)
