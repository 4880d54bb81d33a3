"""How a command ends that is interrupted, or that is started where nothing can be done. Both programs, as processes."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder in which a program was started")
@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("gen3d_core", "sample --model chairs --out out"),
        ("training.cli", "prepare a --out b"),
        ("training.cli", "export a --out b.gen3d"),
    ],
)
def test_a_working_folder_that_is_gone_is_told(program: str, arguments: str, tmp_path: Path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = [sys.executable, "-P", "-m", program, *arguments.split()]
    given = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=gone, preexec_fn=gone.rmdir, env=given, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and re.fullmatch(r"[^\n]*the folder in which .* is gone .*another.*\n", done.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_interrupted(slow_ellipsoids: Path, ellipsoids: Path, tmp_path: Path):
    # A suite that runs in the background passes on an ignored SIGINT; the user's terminal does not.
    program = (
        "import signal, sys; from gen3d_core.cli.main import main; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main())"
    )
    arguments = ["sample", "--model", str(slow_ellipsoids), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "out").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, "", "interrupted")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("program", "arguments", "module"),
    [
        *(
            ("gen3d_core.cli.main", "info chairs", module)
            for module in ("argparse", "gen3d_core.cli.sample", "hashlib")
        ),
        *(("gen3d_core.cli.main", "models", module) for module in ("numpy", "onnxruntime")),
        *(("training.cli", "compare a b --out c", module) for module in ("tyro", "numpy", "PIL.Image", "jinja2")),
        *(("training.cli", "export a --out c.gen3d", module) for module in ("torch", "safetensors")),
    ],
)
def test_an_interrupt_while_something_is_imported(program: str, arguments: str, module: str, tmp_path: Path):
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"from {program} import main\n"
        f"assert {module!r} not in sys.modules\n"
        "def at(event, given):\n"
        f"    if event == 'import' and given[0] == {module!r}:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "sys.addaudithook(at)\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", script, *arguments.split()]
    given = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 130, done.stderr
    assert len(done.stderr.split("\n")) <= 3 and done.stderr.strip().startswith("interrupted"), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", ["gen3d_core", "training.cli"])
@pytest.mark.parametrize("columns", ["40", "0", "-5", "x"])
def test_a_terminal_of_few_columns(program: str, columns: str, tmp_path: Path):
    """Helps of `gen3d-train` are laid out for 60 at least."""
    limited = (
        "import runpy, sys\n"
        "try:\n    import resource\n    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "except (ImportError, ValueError):\n    pass\n"
        f"sys.argv = [{program!r}, '--help']\n"
        f"runpy.run_module({program!r}, run_name='__main__', alter_sys=True)\n"
    )
    given = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": columns}
    done = subprocess.run(
        [sys.executable, "-c", limited], cwd=tmp_path, env=given, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and not done.stderr and len(done.stdout) > 300
    if program == "training.cli" and columns == "40":
        assert max(len(line) for line in done.stdout.splitlines() if line.startswith("╭")) == 60
