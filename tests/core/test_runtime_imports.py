"""Making a mesh must need no more than an artist's installation has."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def modules_after(script: str, *arguments: str) -> set[str]:
    """Top-level modules of a fresh process after a script."""
    script += "\nimport json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_sampling_and_export_load_no_torch(ellipsoids: Path, tmp_path: Path):
    script = (
        "import sys, gen3d_core\n"
        "mesh = gen3d_core.load(sys.argv[1]).sample(seed=7, resolution=32)\n"
        "for suffix in ('glb', 'ply', 'obj', 'stl'): mesh.save(f'{sys.argv[2]}/a.{suffix}')\n"
    )
    loaded = modules_after(script, str(ellipsoids), str(tmp_path))
    assert {"numpy", "onnxruntime", "skimage"} <= loaded
    assert not loaded & {
        "torch",
        "bpy",
        "onnx",
        "trimesh",
        "PIL",
        "scipy",
        "pydantic",
        "tyro",
        "safetensors",
        "training",
    }
    assert len(list(tmp_path.iterdir())) == 4


def test_importing_the_package_is_light():
    script = "import gen3d_core, gen3d_core.protocol, gen3d_core.worker.process, gen3d_core.cli.main"
    bare = modules_after("")
    assert modules_after(script) - bare <= set(sys.stdlib_module_names) | {"gen3d_core"}
