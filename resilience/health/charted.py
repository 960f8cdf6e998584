"""The charts of a component's history: as the server draws them, as the script takes them, and as rows of a CSV file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.templatetags.static import static
from django.utils.translation import gettext as _

from portal.web import charts
from portal.web.charts import Chart
from portal.web.formats import GAP, MISSING, age, number
from resilience.health import words
from resilience.health.models import Probe
from resilience.health.series import Range, Series, Span
from resilience.health.uptimes import SETTLED

CHARTS = ("latency", "good-runs")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart as the server draws it, with its figures for the script that makes it zoom."""

    chart: Chart
    title: str
    sub: str
    data: dict[str, object]

    @property
    def data_id(self) -> str:
        """The id of the block that holds its figures."""
        return f"figures-{self.chart.name}"


def span_word(one: Span, until: datetime) -> str:
    """What stands over a shaded stretch: short, for several may stand side by side."""
    if one.tone == "idle":
        return words.shortened(one.word, 24)
    return (_("partly out, %s") if one.tone == "warn" else _("out, %s")) % age((one.end or until) - one.start)


def share_of(runs: int, failed: int) -> float | None:
    """The share of good answers; None when nothing was asked."""
    return (runs - failed) / runs if runs else None


def drawn(history: Series, probe: Probe | None, href: str) -> list[Drawn]:
    """The two charts of a probe's history: how long it took, and how often it was well. `href` is the component's page."""
    at = [point.at for point in history.points]
    spans = [
        charts.Span(one.start, one.end or history.until, span_word(one, history.until), one.tone)
        for one in history.spans
    ]
    lines = [
        charts.Series("p99", [point.p99 for point in history.points]),
        charts.Series("p95", [point.p95 for point in history.points], main=True),
        charts.Series("p50", [point.p50 for point in history.points]),
    ]
    lines = [line for line in lines if any(value is not None for value in line.values)]
    limits = (
        [charts.Limit(probe.slow_after_ms, _("slow from %s") % words.latency(probe.slow_after_ms))]
        if probe and probe.slow_after_ms
        else []
    )
    now_label = "" if history.range in (Range.HOUR, Range.DAY) else _("now")
    shares = [share_of(point.runs, point.failed) for point in history.points]
    floor = _floor(shares)
    took = charts.series_chart(
        "latency",
        _took_said(history),
        at,
        lines,
        write=words.latency,
        start=history.since,
        end=history.until,
        spans=spans,
        limits=limits,
        now_label=now_label,
    )
    good = charts.series_chart(
        "good-runs",
        _good_said(shares),
        at,
        [charts.Series(_("good"), shares, main=True)],
        write=_share,
        start=history.since,
        end=history.until,
        spans=spans,
        floor=floor,
        top=1.0,
        steps=3 if floor else 4,
        now_label=now_label,
    )
    query = f"?range={history.range.value}" + (f"&probe={probe.pk}" if probe else "")
    took, good = (replace(chart, csv=f"{href}/{chart.name}.csv{query}") for chart in (took, good))
    return [
        Drawn(took, _("Latency"), _("of good answers"), _data(history, lines, limits, "ms", 0.0)),
        Drawn(
            good,
            _("Good runs"),
            _("share of the runs that found it well"),
            _data(history, [charts.Series(_("good"), shares, main=True)], [], "share", floor),
        ),
    ]


def _floor(shares: Sequence[float | None]) -> float:
    """Where the axis begins: the worse it was, the lower, so that what is lost can be seen."""
    least = min((share for share in shares if share is not None), default=1.0)
    return next((floor for floor in (0.97, 0.85, 0.4) if least > floor + (1 - floor) * 0.15), 0.0)


def _share(value: float | None) -> str:
    if value is None:
        return MISSING
    whole = abs(value * 100 - round(value * 100)) < 1e-6
    return f"{number(value * 100, 0 if whole else 1)}{GAP}%"


def _took_said(history: Series) -> str:
    known = [point.p95 for point in history.points if point.p95 is not None]
    if not known:
        return _("Latency: no data.")
    said = {"least": words.latency(min(known)), "most": words.latency(max(known)), "last": words.latency(known[-1])}
    return _("Latency, p95: between %(least)s and %(most)s, %(last)s at last.") % said


def _good_said(shares: Sequence[float | None]) -> str:
    known = [share for share in shares if share is not None]
    if not known:
        return _("Good runs: no data.")
    return _("Good runs: %(mean)s on the whole, %(least)s at the least.") % {
        "mean": _share(sum(known) / len(known)),
        "least": _share(min(known)),
    }


def _data(
    history: Series, lines: Sequence[charts.Series], limits: Sequence[charts.Limit], unit: str, floor: float
) -> dict[str, object]:
    """What the script draws: the same figures, times as epoch seconds."""
    return {
        "unit": unit,
        "floor": floor,
        "from": round(history.since.timestamp()),
        "to": round(history.until.timestamp()),
        "at": [round(point.at.timestamp()) for point in history.points],
        "lines": [
            {"name": line.name, "main": line.main, "values": [None if v is None else round(v, 4) for v in line.values]}
            for line in lines
        ],
        "bands": [
            {
                "from": round(one.start.timestamp()),
                "to": round((one.end or history.until).timestamp()),
                "name": span_word(one, history.until),
                "tone": one.tone,
            }
            for one in history.spans
        ],
        "limits": [{"value": limit.value, "name": limit.name} for limit in limits],
    }


def csv_rows(history: Series, what: str) -> list[tuple[object, ...]]:
    """The figures of a chart as rows, the head first: moments in UTC, milliseconds, shares of 1; empty where there is no data.

    The last minutes are left out until they are added up: they would say that nothing ran.
    """
    points = list(history.points)
    while points and not points[-1].runs and history.until - points[-1].at < history.step + SETTLED:
        points.pop()
    if what == "latency":
        head: tuple[object, ...] = ("at", "runs", "p50_ms", "p95_ms", "p99_ms", "max_ms")
        rows: list[tuple[object, ...]] = [
            (_iso(p.at), p.runs, _plain(p.p50), _plain(p.p95), _plain(p.p99), _plain(p.most)) for p in points
        ]
    else:
        head = ("at", "runs", "failed", "good")
        rows = [(_iso(p.at), p.runs, p.failed, _plain(share_of(p.runs, p.failed), 5)) for p in points]
    return [head, *rows]


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(value: float | None, places: int = 1) -> object:
    return "" if value is None else round(value, places)


def words_of_script() -> dict[str, str]:
    """Where the script finds the module that draws (empty where it was not built), and what it says."""
    try:
        module = static("built/charts.js")
    except ValueError:  # not among the collected files: the pictures stay
        module = ""
    return {
        "module": module,
        "reset": _("Show all of it"),
        "keys": _("Arrow keys tell the figures, plus and minus zoom, 0 shows all. The table below holds them too."),
    }
