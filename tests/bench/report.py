"""What the bench prints."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tests.bench.drain import Measured

COLUMNS = (
    "runner",
    "items",
    "deliveries/s",
    "of bare",
    "CPU s/1,000",
    "twice",
    "disorder",
    "lost",
    "intake/s",
    "start s",
)


def machine() -> str:
    """Return one line on what the figures were measured on."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    names = ("Django", "aiohttp", "celery", "procrastinate", "django-q2")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, load {load:.1f}; Python {platform.python_version()}, {versions}"


def reference(measured: Sequence[Measured]) -> float | None:
    """Return the rate of the bare loop: the median of its runs, of the faster event loop."""
    loops: dict[str, list[float]] = {}
    for row in measured:
        if row.name.startswith("bare"):
            loops.setdefault(row.name, []).append(row.per_second)
    return max((median(rates) for rates in loops.values()), default=None)


def table(measured: Sequence[Measured]) -> str:
    """Return the figures of the runners as a table, with what each of them promises below."""
    bare = reference(measured)
    rows = [COLUMNS, *(_row(row, bare) for row in measured)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [
        "  ".join(text.ljust(width) if column == 0 else text.rjust(width) for column, (text, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    notes = {row.name: row.note for row in measured}
    width = max(map(len, notes))
    return "\n".join([*lines, "", *(f"{name.ljust(width)}  {note}" for name, note in notes.items())])


def _row(row: Measured, bare: float | None) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.count:,}",
        f"{row.per_second:,.0f}",
        f"{100 * row.per_second / bare:.0f} %" if bare else "",
        f"{row.cpu_per_thousand:.2f}",
        f"{row.duplicates:,}",
        f"{row.disorders:,}",
        f"{row.count - row.delivered:,}",
        f"{row.intake_per_second:,.0f}" if row.intake_per_second else "-",
        f"{row.start_seconds:.1f}",
    )


def verdict(measured: Sequence[Measured]) -> str:
    """Return how Breakwater stands to the bare loop and to the best of the others, aims beside."""
    bare = reference(measured)
    others = [row for row in measured if not row.name.startswith(("bare", "Breakwater"))]
    lines = []
    for row in measured:
        if row.name.startswith("Breakwater"):
            parts = []
            if bare:
                parts.append(f"{100 * row.per_second / bare:.0f} % of the bare loop (aim 25 %)")
            if others:
                best = max(others, key=lambda other: other.per_second)
                parts.append(f"{row.per_second / best.per_second:.1f} times {best.name} (aim 3)")
            lines.append(f"{row.name}: {', '.join(parts)}")
    return "\n".join(lines)
