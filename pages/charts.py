"""Draw charts as SVG with Vega-Lite, at build time.

Colours are CSS variables of the page, so one drawing serves light, dark and print. A table next to
each chart has the same figures. To a screen reader a chart is one image with a label.
"""

import re
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import cache
from typing import Any
from xml.etree import ElementTree

import vl_convert
from markupsafe import Markup

from pages.formats import iso
from pages.queries import Row

COLOURS = 8
"""How many series have a colour of their own; the rest share the last one, `--c0`."""

AXIS_LABEL = "abs(datum.value) >= 1e6 ? format(datum.value, '.3~s') : format(datum.value, ',')"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
SVG = "{http://www.w3.org/2000/svg}"
CONFIG: dict[str, Any] = {
    "aria": False,
    "background": None,
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "labelFontSize": 11,
        "tickColor": "var(--line)",
        "domainColor": "var(--line)",
        "gridColor": "var(--line)",
        "title": None,
    },
    "axisX": {"grid": False, "ticks": False, "labelPadding": 6},
    "axisY": {"ticks": False, "domain": False, "labelPadding": 6, "tickCount": 4, "minExtent": 44},
}

KEPT = {
    *("d", "fill", "fill-opacity", "height", "opacity", "stroke", "stroke-dasharray"),
    *("stroke-opacity", "stroke-width", "text-anchor", "transform", "width", "x", "x1", "x2"),
    *("y", "y1", "y2", "font-size", "font-weight", "r", "cx", "cy"),
}
"""Attributes of the drawing; Vega's classes, roles and event settings are left out."""


class Drawing:
    """A chart that is drawn while the rest of the page is made; a template waits for it."""

    def __init__(self, spec: dict[str, Any], label: str) -> None:
        """Begin to draw a Vega-Lite specification, with a text for a screen reader."""
        self._svg: Future[Markup] = _painter().submit(_svg, spec, label)

    def __html__(self) -> Markup:
        """Return the drawing as SVG."""
        return self._svg.result()


@cache
def _painter() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "charts")


@cache
def start() -> None:
    """Start the JavaScript engine that draws, which takes about a second, in the background."""
    _painter().submit(vl_convert.vegalite_to_svg, {"$schema": SCHEMA, "mark": "bar"})


def stacked_bars(
    rows: Iterable[dict[str, Any]],
    series: list[str],
    label: str,
    colours: list[int] | None = None,
) -> Drawing:
    """Draw amounts per month, stacked by series.

    Args:
        rows: `x`, `y` and `series` of each part of a bar.
        series: All series, in the order of their colours.
        label: What the chart shows, for a screen reader.
        colours: Number of each series' colour; by its place if None.
    """
    return Drawing(
        {
            "width": 278,
            "height": 170,
            "data": {"values": list(rows)},
            "mark": {"type": "bar", "width": {"band": 0.62}},
            "encoding": {
                "x": {"field": "x", "type": "ordinal", "sort": None, "axis": {"labelAngle": 0}},
                "y": {"field": "y", "type": "quantitative", "axis": {"labelExpr": AXIS_LABEL}},
                "order": {"field": "place", "type": "quantitative"},
                "color": _colours(series, colours),
            },
        },
        label,
    )


def stacked_days(rows: Iterable[dict[str, Any]], series: list[str], label: str) -> Drawing:
    """Draw quantities per day, stacked by series: `x` is an ISO date."""
    return Drawing(
        {
            "width": 1040,
            "height": 170,
            "data": {"values": list(rows)},
            "mark": {"type": "bar", "width": {"band": 0.7}},
            "encoding": {
                "x": {
                    "field": "x",
                    "type": "ordinal",
                    "timeUnit": "utcyearmonthdate",
                    "axis": {
                        **{"format": "%-d %b", "labelAngle": 0},
                        **{"labelOverlap": "parity", "labelSeparation": 6},
                    },
                },
                "y": {"field": "y", "type": "quantitative", "axis": {"labelExpr": AXIS_LABEL}},
                "order": {"field": "place", "type": "quantitative"},
                "color": _colours(series),
            },
        },
        label,
    )


def burn_down(
    entries: list[Row], as_of: datetime, expires_at: datetime | None, label: str
) -> Drawing:
    """Draw a balance over time as steps; what is pending at the as-of instant is dashed.

    Args:
        entries: Ledger entries of one commit or credit, the oldest first.
        as_of: Instant of the run.
        expires_at: When the rest expires. The axis shows it if it is less than three years ahead.
        label: What the chart shows, for a screen reader.
    """
    steps: dict[str, dict[str, Any]] = {}
    for entry in entries:
        x = iso(entry["effective_at"])
        is_pending = entry["is_pending"] or steps.get(x, {}).get("pending", False)
        steps[x] = {"x": x, "y": float(entry["balance_after"]), "pending": is_pending}
    points, now, expiry = list(steps.values()), iso(as_of), iso(expires_at)
    is_near = expiry[:4] < str(int(now[:4]) + 3)
    ends = min(now, *steps), max(now, *steps, expiry if is_near else "")
    x = {
        "field": "x",
        "type": "temporal",
        "scale": {"type": "utc", "domain": list(ends)},
        "axis": {"format": "%b %y", "tickCount": 4, "labelOverlap": "greedy", "labelFlush": True},
    }
    y = {"field": "y", "type": "quantitative", "axis": {"labelExpr": AXIS_LABEL, "tickCount": 3}}
    known = [point for point in points if not point["pending"]]
    ahead = [*known[-1:], *(point for point in points if point["pending"])]
    # the balance of today holds until the next entry
    until = ahead[1]["x"] if len(ahead) > 1 else max(now, known[-1]["x"]) if known else now
    drawn = [*known, {**known[-1], "x": until}] if known else []
    step = {"interpolate": "step-after", "strokeWidth": 2, "stroke": "var(--c1)"}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": drawn},
            "mark": {
                **{"type": "area", "line": step, "fill": "var(--c1)"},
                **{"fillOpacity": 0.14, "interpolate": "step-after"},
            },
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"values": [{"x": now}]},
            "mark": {"type": "rule", "stroke": "var(--muted)", "strokeDash": [2, 3]},
            "encoding": {"x": x},
        },
    ]
    if len(ahead) > 1:
        last = {**ahead[-1], "x": max(ends[1], ahead[-1]["x"])}
        layers.append(
            {
                "data": {"values": [{**ahead[0], "x": until}, *ahead[1:], last]},
                "mark": {"type": "line", **step, "strokeDash": [4, 3]},
                "encoding": {"x": x, "y": y},
            }
        )
    return Drawing({"width": 290, "height": 96, "layer": layers}, label)


def _colours(series: list[str], numbers: list[int] | None = None) -> dict[str, Any]:
    if numbers is None:
        numbers = [place + 1 if place < COLOURS else 0 for place in range(len(series))]
    return {
        "field": "series",
        "type": "nominal",
        "scale": {"domain": series, "range": [f"var(--c{number})" for number in numbers]},
        "legend": None,
    }


def _svg(spec: dict[str, Any], label: str) -> Markup:
    drawn = vl_convert.vegalite_to_svg({"$schema": SCHEMA, "config": CONFIG, **spec})
    root = ElementTree.fromstring(drawn)
    width, height = root.get("width"), root.get("height")
    _strip(root)
    inner = "".join(ElementTree.tostring(child, encoding="unicode") for child in root)
    inner = re.sub(r'(<\w+) xmlns(:\w+)?="[^"]*"', r"\1", inner)
    opening = Markup(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}" fill="none">'
    )
    return opening.format(label, width, height, width, height) + Markup(inner) + Markup("</svg>")


def _strip(element: ElementTree.Element) -> None:
    """Remove what is not seen: empty paths, invisible backgrounds, attributes without effect."""
    element.tag = element.tag.removeprefix(SVG)
    for child in list(element):
        path = child.get("d")
        hidden = child.get("display") == "none" or path == ""
        if hidden or child.get("class") == "background":
            element.remove(child)
            continue
        _strip(child)
        if child.tag == "g" and not len(child):
            element.remove(child)
    for key in list(element.attrib):
        value = element.attrib[key]
        if key not in KEPT or (key, value) in {("opacity", "1"), ("transform", "translate(0,0)")}:
            del element.attrib[key]
        else:
            element.attrib[key] = re.sub(r"-?\d+\.\d{3,}", _short, value)


def _short(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
