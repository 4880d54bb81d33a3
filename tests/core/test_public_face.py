"""What an engineer imports: named, documented, and every example in its text runs."""

import doctest
import inspect
from pathlib import Path

import pytest

import gen3d_core
from gen3d_core.errors import Gen3DError


def test_the_face_is_what_it_says():
    assert gen3d_core.__all__ == ["Codes", "Mesh", "Model", "Path", "encode", "interpolate", "load"]
    assert set(gen3d_core.__all__) <= set(dir(gen3d_core))
    with pytest.raises(AttributeError, match="no attribute 'sampler'"):
        gen3d_core.sampler  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]
    assert (Path(gen3d_core.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("name", gen3d_core.__all__)
def test_its_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    thing = getattr(gen3d_core, name)
    examples = doctest.DocTestParser().get_doctest(inspect.getdoc(thing) or "", {}, name, None, None)
    assert examples.examples, "it has none"
    told: list[str] = []
    result = doctest.DocTestRunner().run(examples, out=told.append)
    assert result.failed == 0, "".join(told)


def test_pictures_that_do_not_fit_are_refused_in_one_line(tmp_path: Path):
    import numpy as np

    model = gen3d_core.load("cars", threads=1)
    with pytest.raises(Gen3DError, match=r"float64 \(4, 4\): expected uint8"):
        gen3d_core.encode(model, [np.zeros((4, 4))])
    with pytest.raises(Gen3DError, match="cannot be read"):
        gen3d_core.encode(model, [tmp_path / "none.png"])
