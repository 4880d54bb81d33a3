"""Evaluations side by side: the best is marked, what cannot be told apart is said, unlike ones are refused."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gen3d_core.errors import Gen3DError
from tests.training.evaluation.page_tags import PageTags
from training.cli import main
from training.evaluation import compare as compare_module
from training.evaluation.compare import compare
from training.evaluation.comparison import compare_results
from training.evaluation.curves import HEIGHT, KEPT, WIDTH, charts, recorded_curve
from training.evaluation.results import (
    STRIPS,
    Cost,
    DataRecord,
    Estimate,
    Evaluation,
    ModelRecord,
    Options,
    Row,
    to_json,
)
from training.evaluation.strips import TILE, png, strip

CURVE = {"images": (0.0, 500.0, 1000.0), "minutes": (0.0, 1.0, 2.0), "generator": (1.0, None, 3.0)}


def evaluation(name: str, *rows: Row, curve: dict | None = None, **options: Any) -> Evaluation:
    """A made-up evaluation of a model of that name."""
    return Evaluation(
        ModelRecord(name, "chairs", "ab" * 32, "<i>free</i>"),
        DataRecord("chairs", "procedural:chairs", 400, 64, "cd" * 32, 50, "ef" * 32),
        dataclasses.replace(Options(50, 50, 128, 32, 0, 1.0, None), **options),
        rows,
        Cost(1000, 2.0, 8.33, "a machine", 12345, 678, 0.5, 0.01, "another machine"),
        curve or {},
        (f"A remark on {name} & more.",),
    )


def row(key: str, *values: float, best: str = "lowest", target: float | None = None, floor: float = 0.5) -> Row:
    return Row(key, "Group", key, Estimate(*values), Estimate(floor), best, target)  # type: ignore[arg-type]


def written(folder: Path, content: Evaluation) -> Path:
    """A folder as `evaluate` leaves it."""
    folder.mkdir()
    (folder / "evaluation.json").write_bytes(to_json(content))
    for shade, name in enumerate(STRIPS):
        (folder / name).write_bytes(png(strip([[np.full((TILE, TILE, 3), 60 * shade, np.uint8)] * 4])))
    return folder


def ranks(*rows: Row) -> list[str]:
    evaluations = [evaluation(f"m{number}", each) for number, each in enumerate(rows)]
    [found] = compare_results(evaluations, [each.model.name for each in evaluations]).rows
    return [cell.rank for cell in found.cells]


def test_the_best_value_is_marked_and_what_its_interval_meets_is_tied() -> None:
    assert ranks(row("a", 1.0, 0.9, 1.1), row("a", 2.0, 1.05, 3.0), row("a", 9.0, 8.0, 9.5)) == ["best", "tied", ""]
    assert ranks(row("a", 1.0, best="highest"), row("a", 2.0, best="highest")) == ["", "best"]
    nearest = [row("a", value, best="nearest", target=0.5) for value in (0.9, 0.4, 1.0)]
    assert ranks(*nearest) == ["", "best", ""]


def test_equal_values_and_lone_ones_are_not_marked() -> None:
    assert ranks(row("a", 1.0), row("a", 1.0)) == ["", ""]
    assert ranks(row("a", 1.0), row("a", 1.0), row("a", 2.0)) == ["best", "best", ""]
    unmeasured = Row("a", "Group", "a", None, note="Not measured.")
    assert ranks(row("a", 1.0), unmeasured) == ["", ""]
    assert ranks(row("a", 1.0, best="none"), row("a", 2.0, best="none")) == ["", ""]


def test_rows_that_only_some_have_stay_and_floors_that_differ_are_not_shared() -> None:
    one = evaluation("one", row("a", 1.0), row("b", 1.0))
    two = evaluation("two", row("a", 2.0, floor=0.7), row("c", 1.0))
    found = compare_results([one, two], ["x", "y"])
    assert [each.key for each in found.rows] == ["a", "b", "c"]
    assert found.rows[0].floor is None and [cell.floor for cell in found.rows[0].cells] == [
        Estimate(0.5),
        Estimate(0.7),
    ]
    assert found.rows[1].cells[1].result is None and found.rows[1].cells[1].note == "not in this evaluation"


def test_models_of_one_name_are_told_apart_by_their_folders() -> None:
    found = compare_results([evaluation("m"), evaluation("m"), evaluation("n")], ["x", "y", "z"])
    assert found.labels == ("m (x)", "m (y)", "n")


@pytest.mark.parametrize("name", ["count", "pictures", "points", "resolution", "seed"])
def test_evaluations_made_differently_are_refused(name: str) -> None:
    one, two = (
        evaluation("one"),
        dataclasses.replace(evaluation("two"), options=dataclasses.replace(evaluation("two").options, **{name: 7})),
    )
    with pytest.raises(Gen3DError, match="x was evaluated with .*, y with 7: evaluate both alike"):
        compare_results([one, two], ["x", "y"])


def test_evaluations_on_different_data_or_with_different_weights_are_refused() -> None:
    one = evaluation("one", inception="a")
    for change, words in (({"hash": "0"}, "pictures"), ({"references_hash": None}, "reference meshes")):
        two = dataclasses.replace(one, data=dataclasses.replace(one.data, **change))
        with pytest.raises(Gen3DError, match=f"x and y were evaluated on different {words}"):
            compare_results([one, two], ["x", "y"])
    with pytest.raises(Gen3DError, match="--inception"):
        compare_results([one, evaluation("two", inception="b")], ["x", "y"])
    assert compare_results([one, evaluation("two")], ["x", "y"]).labels == ("one", "two"), (
        "one without is no contradiction"
    )


def test_the_command_writes_a_page_that_stands_alone(tmp_path: Path) -> None:
    first = written(tmp_path / "first", evaluation("first", row("a", 1.0, 0.9, 1.1), curve=CURVE))
    second = written(tmp_path / "second", evaluation("second", row("a", 2.0, 1.9, 2.1)))
    out = tmp_path / "out"
    assert main(["compare", str(first), str(second), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["compare.html", "compare.json", "compare.png"]
    page = (out / "compare.html").read_text()
    parser = PageTags()
    parser.feed(page)
    assert "script" not in parser.tags and parser.tags.count("svg") == 1 and parser.tags.count("img") == 6
    assert all(address.startswith("data:image/png;base64,") for address in parser.addresses)
    assert "A remark on first &amp; more." in page and "second: the model file records no curve." in page
    assert '<td class="num best">1</td>' in page and '<td class="num ">2</td>' in page
    content = json.loads((out / "compare.json").read_text())
    assert (content["format"], content["version"]) == ("gen3d-comparison", 1)
    assert content["rows"][0]["cells"][0]["rank"] == "best" and content["labels"] == ["first", "second"]
    with Image.open(out / "compare.png") as sheet:
        assert sheet.width > 4 * TILE and sheet.height > 2 * len(STRIPS) * TILE


def test_what_is_no_evaluation_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = written(tmp_path / "good", evaluation("good"))
    torn = written(tmp_path / "torn", evaluation("torn"))
    out = tmp_path / "out"

    def told(*folders: Path) -> str:
        with pytest.raises(Gen3DError) as error:
            compare(folders, out)
        assert "\n" not in str(error.value) and not out.exists()
        return str(error.value)

    assert "1 evaluations given: compare takes 2 to 8" in told(good)
    assert "holds no evaluation.json" in told(good, tmp_path)
    (torn / "meshes.png").write_bytes((torn / "meshes.png").read_bytes()[:60])
    assert "meshes.png is damaged" in told(good, torn)
    (torn / "meshes.png").unlink()
    assert "meshes.png is missing" in told(good, torn)
    monkeypatch.setattr(compare_module, "MAX_SIDE", 100)
    assert "too large for a strip" in told(good, good)
    monkeypatch.setattr(compare_module, "MAX_PICTURE_BYTES", 10)
    assert "too large for a strip" in told(good, good)


# Curves


def test_a_recorded_curve_is_thinned_and_keeps_its_ends() -> None:
    count = 5000
    record = {"curve": {"images": list(range(count)), "generator": [2.0 * i for i in range(count)]}}
    curve = recorded_curve(record)
    assert len(curve["images"]) == KEPT and curve["images"][0] == 0 and curve["images"][-1] == count - 1
    assert all(y == 2 * x for x, y in zip(curve["images"], curve["generator"], strict=True) if x is not None and y)


@pytest.mark.parametrize(
    "given", [None, 3, [], {}, {"images": 3}, {"images": []}, {"images": [1]}, {"generator": [1, 2]}]
)
def test_what_is_no_curve_is_none(given: object) -> None:
    assert recorded_curve({"curve": given}) == {}
    assert recorded_curve({}) == {}


def test_what_strangers_put_in_a_curve_is_left_out() -> None:
    given = {"images": [0, 1, 10**400], "generator": [float("nan"), "x", 1.5], "short": [1], "text": "abc"}
    assert recorded_curve({"curve": given}) == {"images": (0.0, 1.0, None), "generator": (None, None, 1.5)}
    assert charts([("m", recorded_curve({"curve": given}))]) == []


def test_lines_fill_their_chart() -> None:
    short = {"images": (0.0, 500.0), "generator": (2.0, 2.0), "foreground": (0.1, 0.3)}
    found = charts([("long", CURVE), ("short", short), ("none", {})])
    assert [chart.name for chart in found] == ["generator", "foreground"]
    chart = found[0]
    assert (chart.low, chart.high, chart.last) == (1.0, 3.0, 1000.0)
    assert [line.name for line in chart.lines] == ["long", "short"]
    assert chart.lines[0].points == f"0.0,{HEIGHT:.1f} {WIDTH:.1f},0.0", "a gap is crossed"
    assert chart.lines[1].points == f"0.0,{HEIGHT / 2:.1f} {WIDTH / 2:.1f},{HEIGHT / 2:.1f}"
    assert len({line.colour for line in chart.lines}) == 2
