"""What is merged: a large plan, texts, and inputs that make merges slow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.merge.adversaries import equal_lines, half_repeated, rewritten

Three = tuple[Any, Any, Any]
LINES = {"": {"text": "lines"}}
PLAN = {
    "/phases": {"list": "key", "key": "id"},
    "/phases/*/microsteps": {"list": "key", "key": "id"},
    "/**/notes": {"text": "lines"},
    "/**/comments": {"list": "append", "time": "at", "key": "id"},
    "/**/tags": {"list": "set"},
}
WORDS = (
    "build",
    "check",
    "the",
    "harbour",
    "wall",
    "crane",
    "tide",
    "gate",
    "before",
    "after",
    "each",
    "and",
    "with",
    "new",
    "for",
    "north",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A name, how to make base, local and remote, our rules for them, and what the specification allows in milliseconds."""

    title: str
    make: Callable[[], Three]
    aim: int
    rules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> bool:
        """Whether `git merge-file` can do it too."""
        return self.rules is LINES


def _words(rng: Random, count: int) -> str:
    return " ".join(rng.choices(WORDS, k=count))


def _microstep(rng: Random, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "title": _words(rng, 4),
        "status": "draft",
        "done": False,
        "minutes": rng.randrange(90),
        "notes": f"{_words(rng, 8)}\n{_words(rng, 6)}\n",
        "tags": ["wall"],
        "comments": [],
    }


def _edit(rng: Random, side: str, number: int, step: dict[str, Any]) -> None:
    match number % 5:
        case 0:
            step["title"] = _words(rng, 5)
        case 1:
            step["done"] = True
        case 2:
            step["notes"] += f"{side}: {_words(rng, 5)}\n"
        case 3:
            comment = {"id": f"{side}-{number}", "at": f"2026-11-21T02:{number % 60:02}:00Z", "text": _words(rng, 6)}
            step["comments"] = [*step["comments"], comment]
        case _:
            step["minutes"] = rng.randrange(90, 180)


def plan() -> Three:
    """Return a plan of 50 phases with 5,000 microsteps, a MiB of JSON, and 500 edits of each side, some of them at the same microstep."""
    rng = Random(11)
    steps = [_microstep(rng, f"step-{number}") for number in range(5_000)]

    def whole(side: str, edits: int) -> dict[str, Any]:
        own = [dict(step) for step in steps]
        for number in range(edits):
            _edit(rng, side, number, rng.choice(own))
        phases = [
            {"id": f"phase-{n}", "title": f"Phase {n}", "microsteps": own[100 * n : 100 * n + 100]} for n in range(50)
        ]
        return {"id": "p-1", "title": "Harbour wall", "phases": phases}

    return whole("base", 0), whole("local", 500), whole("remote", 500)


def by_name() -> Three:
    """Return the same plan with objects by id in place of its lists: what a merge without keyed lists can do as well."""

    def without_lists(version: dict[str, Any]) -> dict[str, Any]:
        named = {
            phase["id"]: {
                step["id"]: {**step, "comments": {c["id"]: c for c in step["comments"]}} for step in phase["microsteps"]
            }
            for phase in version["phases"]
        }
        return {**version, "phases": named}

    base, local, remote = plan()
    return without_lists(base), without_lists(local), without_lists(remote)


def lines(count: int, edits: int) -> Three:
    """Return a text and two copies with so many edits each: a line changed, added or taken away."""
    rng = Random(12)
    base = [f"{_words(rng, 7)} {number}\n" for number in range(count)]

    def edited(side: str) -> str:
        own = list(base)
        for number in range(edits):
            place = rng.randrange(len(own))
            match number % 3:
                case 0:
                    own[place] = f"{side} {_words(rng, 6)} {number}\n"
                case 1:
                    own.insert(place, f"{side} {_words(rng, 6)} {number}\n")
                case _:
                    del own[place]
        return "".join(own)

    return "".join(base), edited("local"), edited("remote")


def nested() -> Three:
    """Return a hundred objects inside each other of which both sides changed the innermost."""

    def whole(leaf: int) -> Any:
        made: Any = leaf
        for _ in range(100):
            made = {"a": made}
        return made

    return whole(1), whole(2), whole(3)


def one_line() -> Three:
    """Return a line of a MiB that both sides changed."""
    line = "word " * (1024 * 1024 // 5)
    return f"{line}\n", f"another {line}\n", f"{line}more\n"


def _joined(versions: tuple[list[str], list[str], list[str]]) -> Three:
    base, local, remote = ("".join(version) for version in versions)
    return base, local, remote


CASES: dict[str, Case] = {
    "plan": Case("plan of 1 MiB, 5,000 microsteps, 500 edits a side", plan, 300, PLAN),
    "by-name": Case(
        "the same, objects by id in place of lists",
        by_name,
        300,
        {"/**/notes": {"text": "lines"}, "/**/tags": {"list": "set"}},
    ),
    "lines-10000": Case("10,000 lines, 200 edits a side", lambda: lines(10_000, 200), 60, LINES),
    "lines-1000": Case("1,000 lines, 50 edits a side", lambda: lines(1_000, 50), 60, LINES),
    "equal": Case("10,000 equal lines, both sides edit", lambda: _joined(equal_lines(10_000)), 1_000, LINES),
    "half": Case("1,200 lines, every other one the same", lambda: _joined(half_repeated(1_200)), 1_000, LINES),
    "rewritten": Case("10,000 lines rewritten by both sides", lambda: _joined(rewritten(10_000)), 1_000, LINES),
    "nested": Case("100 objects inside each other", nested, 1_000),
    "one-line": Case("1 MiB in one line", one_line, 1_000, LINES),
}
