"""Evaluations as pages that stand alone: pictures inside, no script, nothing fetched."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import jinja2

from gen3d_core.version import __version__
from training.evaluation.curves import HEIGHT, WIDTH, charts
from training.evaluation.results import Estimate, Evaluation

TEMPLATES = Path(__file__).parent / "templates"
_Row = TypeVar("_Row")


def evaluation_page(evaluation: Evaluation, images: Mapping[str, bytes]) -> bytes:
    """The page of one evaluation; `images` are PNG files by name."""
    return render(
        "evaluation.html",
        evaluation=evaluation,
        groups=group_rows(evaluation.rows),
        images=images,
        charts=charts([(evaluation.model.name, evaluation.curve)]),
    )


def group_rows(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    """Rows by their attribute `group`, in the order in which groups first appear."""
    found: dict[str, list[_Row]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)  # type: ignore[attr-defined]
    return found


def render(template: str, **values: Any) -> bytes:
    """A template with values; text in them is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "interval": interval, "inline": inline, "duration": duration}
    environment.globals |= {"chart_width": WIDTH, "chart_height": HEIGHT, "version": __version__}
    return environment.get_template(template).render(**values).encode()


def number(value: float | None) -> str:
    """Three significant digits, in full from a thousand on; a dash for none."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f")
    if value == int(value):
        return f"{value:.0f}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(places, 5)}f}".replace("-", "−")


def interval(estimate: Estimate) -> str:
    """The bounds of an interval, empty without one."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{number(estimate.low)} – {number(estimate.high)}"


def duration(seconds: float | None) -> str:
    """Seconds in the unit that reads best."""
    if seconds is None:
        return "–"
    return f"{number(1000 * seconds)} ms" if seconds < 1 else f"{number(seconds)} s"


def inline(png: bytes) -> str:
    """A PNG file as an address that holds the file itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
