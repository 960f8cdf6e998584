"""What an answer must be for its target to count as good: its status, its text, its JSON.

    status         200, "2xx", "200-299", or several of them
    body_contains  a text, or several, each of which occurs
    body_matches   a pattern (RE2), or several, each of which occurs
    json           [{"pointer": "/status", "op": "equals", "value": "ok"}, …], all of which hold
    keep           {"models": "/data", "rate_left": "header:x-ratelimit-remaining"}: what of it is kept as metadata

The ops of `json`: exists, not-empty; equals, not, at-least, at-most, contains, matches (with `value`); and every-share, by which
at least the `share` (0 to 1) of the array's elements meet all of `of`, itself a list of the same kind (the empty array does).
What a pointer names has to be there, for each of them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.kit.errors import Fault, Invalid
from portal.kit.jsontext import escape, parse
from resilience.health.core.patterns import found, pattern_fault
from resilience.health.core.pointers import MISSING, look_up, pointer_fault

KEYS = ("status", "body_contains", "body_matches", "json", "keep")
OPS = ("exists", "not-empty", "equals", "not", "at-least", "at-most", "contains", "matches", "every-share")
GOOD_STATUS = "200-399"
MOST_EXPECTATIONS = 20
MOST_KEPT = 10
LONGEST_TEXT = 1_000
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Given:
    """An answer. `body` is as much of it as was read; `whole` says whether that is all."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """`unmet` is the first expectation that does not hold, as a sentence; empty when all do."""

    unmet: str
    kept: Mapping[str, Any]


def faults(options: Mapping[str, Any], pointer: str = "/options") -> list[Fault]:
    """What is wrong with the expectations among a probe's options, by JSON Pointer."""
    wrong: list[Fault] = []
    try:
        status_ranges(options.get("status", GOOD_STATUS))
    except ValueError as error:
        wrong.append(Fault(f"{pointer}/status", str(error)))
    for key in ("body_contains", "body_matches"):
        if key in options:
            wrong += _text_faults(options[key], f"{pointer}/{key}", patterns=key == "body_matches")
    if "json" in options:
        wrong += expectation_faults(options["json"], f"{pointer}/json")
    if "keep" in options:
        wrong += _keep_faults(options["keep"], f"{pointer}/keep")
    return wrong


def judge(options: Mapping[str, Any], given: Given) -> Verdict:
    """Whether an answer is as expected. Only for options without faults."""
    status = options.get("status", GOOD_STATUS)
    if not any(low <= given.status <= high for low, high in status_ranges(status)):
        return Verdict(f"It answered {given.status}, not {_words(status)}.", _kept(options, given, MISSING))
    unmet = _text_unmet(options, given)
    document = _document(options, given)
    if not unmet and options.get("json"):
        unmet = document if isinstance(document, str) else _json_unmet(options["json"], document.value)
    return Verdict(unmet, _kept(options, given, MISSING if isinstance(document, str) else document.value))


def status_ranges(value: Any) -> list[tuple[int, int]]:
    """The ranges of statuses that are good; raises ValueError with a sentence."""
    several = value if isinstance(value, list) else [value]
    if not several or len(several) > MOST_EXPECTATIONS:
        raise ValueError(f"Name one to {MOST_EXPECTATIONS} statuses.")
    return [_range(one) for text in several for one in (text.split(",") if isinstance(text, str) else [text])]


def expectation_faults(wanted: Any, pointer: str, *, within: bool = False) -> list[Fault]:
    """What is wrong with a list of expectations about JSON; `within` an every-share there is no further one."""
    if not isinstance(wanted, list) or len(wanted) > MOST_EXPECTATIONS:
        return [Fault(pointer, f"Expectations are a list of at most {MOST_EXPECTATIONS}.")]
    return [fault for at, one in enumerate(wanted) for fault in _one_faults(one, f"{pointer}/{at}", within=within)]


def unmet(wanted: Mapping[str, Any], document: Any) -> str:
    """Why this expectation does not hold of a document, as a sentence; empty when it does."""
    place = str(wanted.get("pointer", ""))
    actual = look_up(document, place)
    name = place or "The answer"
    return f"{name} is not in the answer." if actual is MISSING else _UNMET[wanted["op"]](name, actual, wanted)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: true is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def share_met(items: Sequence[Any], wanted: Sequence[Mapping[str, Any]]) -> float:
    """The share of the items that meet all of `wanted`; 1 of none."""
    good = sum(not any(unmet(one, item) for one in wanted) for item in items)
    return good / len(items) if items else 1.0


@dataclass(frozen=True, slots=True)
class _Document:
    value: Any


def _range(value: Any) -> tuple[int, int]:
    text = str(value).strip().lower() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if len(text) == 3 and text[0] in "12345" and text[1:] == "xx":
        return int(text[0]) * 100, int(text[0]) * 100 + 99
    low, dash, high = text.partition("-")
    if _is_status(low) and (not dash or (_is_status(high) and int(low) <= int(high))):
        return int(low), int(high or low)
    raise ValueError("A status is a number such as 200, a class such as 2xx, or a range such as 200-299.")


def _is_status(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdecimal() and text[0] in "12345"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text_faults(value: Any, pointer: str, *, patterns: bool) -> list[Fault]:
    texts = _listed(value)
    if len(texts) > MOST_EXPECTATIONS:
        return [Fault(pointer, f"At most {MOST_EXPECTATIONS} can be named.")]
    wrong = []
    for at, text in enumerate(texts):
        why = pattern_fault(text) if patterns else _text_fault(text)
        if why:
            wrong.append(Fault(f"{pointer}/{at}" if isinstance(value, list) else pointer, why))
    return wrong


def _text_fault(text: Any) -> str:
    fits = isinstance(text, str) and 0 < len(text) <= LONGEST_TEXT
    return "" if fits else f"This is a text of at most {LONGEST_TEXT} characters."


def _keep_faults(keep: Any, pointer: str) -> list[Fault]:
    if not isinstance(keep, Mapping) or len(keep) > MOST_KEPT:
        return [Fault(pointer, f"Name at most {MOST_KEPT} values, each with its JSON Pointer or header:<name>.")]
    wrong = []
    for name, source in keep.items():
        place = f"{pointer}/{escape(str(name))}"
        if not isinstance(name, str) or not name.isidentifier() or len(name) > 40:
            wrong.append(Fault(place, "A name is made of letters, digits and underscores, 40 at most."))
        elif not (isinstance(source, str) and source.startswith("header:") and source[7:]):
            why = pointer_fault(source)
            wrong += [Fault(place, why)] if why else []
    return wrong


def _one_faults(one: Any, pointer: str, *, within: bool) -> list[Fault]:
    if not isinstance(one, Mapping):
        return [Fault(pointer, "An expectation is an object with a pointer, an op and mostly a value.")]
    op = one.get("op")
    if op not in OPS or (within and op == "every-share"):
        return [Fault(f"{pointer}/op", f"The op is one of {', '.join(OPS[:-1] if within else OPS)}.")]
    known = {"pointer", "op"} | ({"share", "of"} if op == "every-share" else set())
    known |= set() if op in ("exists", "not-empty", "every-share") else {"value"}
    wrong = [Fault(f"{pointer}/{escape(str(key))}", "This op has no such part.") for key in one if key not in known]
    why = pointer_fault(one.get("pointer", ""))
    wrong += [Fault(f"{pointer}/pointer", why)] if why else []
    wrong += [Fault(f"{pointer}/value", "This is needed.")] if "value" in known and "value" not in one else []
    return wrong or _value_faults(op, one, pointer)


def _value_faults(op: str, one: Mapping[str, Any], pointer: str) -> list[Fault]:
    if op == "every-share":
        share = one.get("share", 1)
        wrong = expectation_faults(one.get("of"), f"{pointer}/of", within=True)
        return (
            wrong
            if _is_number(share) and 0 <= share <= 1
            else [*wrong, Fault(f"{pointer}/share", "A share is 0 to 1.")]
        )
    value = one.get("value")
    if op in ("at-least", "at-most") and not _is_number(value):
        return [Fault(f"{pointer}/value", "This is a number.")]
    why = pattern_fault(value) if op == "matches" else ""
    return [Fault(f"{pointer}/value", why)] if why else []


def _text_unmet(options: Mapping[str, Any], given: Given) -> str:
    wanted, patterns = _listed(options.get("body_contains", [])), _listed(options.get("body_matches", []))
    if not wanted and not patterns:
        return ""
    text = given.body.decode(errors="replace")
    where = "The answer" if given.whole else f"What was read of the answer ({len(given.body):,} bytes)"
    for one in wanted:
        if one not in text:
            return f"{where} does not contain {_shown(one)}."
    for one in patterns:
        if not found(one, text):
            return f"{where} does not match {_shown(one)}."
    return ""


def _document(options: Mapping[str, Any], given: Given) -> "_Document | str":
    """The answer as JSON; why it is none; MISSING within when nobody asks for it."""
    pointers = [source for source in options.get("keep", {}).values() if not source.startswith("header:")]
    if not options.get("json") and not pointers:
        return _Document(MISSING)
    if not given.whole:
        return f"The answer is longer than {len(given.body):,} bytes, so its JSON cannot be read."
    try:
        return _Document(parse(given.body))
    except Invalid as error:
        return f"The answer cannot be read as JSON: {error.detail}"


def _json_unmet(wanted: Sequence[Mapping[str, Any]], document: Any) -> str:
    return next((why for one in wanted if (why := unmet(one, document))), "")


def _kept(options: Mapping[str, Any], given: Given, document: Any) -> dict[str, Any]:
    """What is kept: plain values as they are, of arrays and objects how many there are in them, of a share what it was."""
    kept: dict[str, Any] = {}
    for name, source in options.get("keep", {}).items():
        if source.startswith("header:"):
            value: Any = given.headers.get(source[7:], MISSING)
        else:
            value = MISSING if document is MISSING else look_up(document, source)
        if value is not MISSING:
            kept[name] = len(value) if isinstance(value, list | dict) else value
    for one in options.get("json", []) if document is not MISSING else []:
        items = look_up(document, one.get("pointer", "")) if one["op"] == "every-share" else None
        if isinstance(items, list):
            kept["share"], kept["of"] = round(share_met(items, one["of"]), 3), len(items)
    return kept


def _empty(name: str, actual: Any, _wanted: Mapping[str, Any]) -> str:
    return f"{name} is empty." if actual in (None, "", [], {}) else ""


def _unequal(name: str, actual: Any, wanted: Mapping[str, Any]) -> str:
    value = wanted["value"]
    return "" if same(actual, value) else f"{name} is {_shown(actual)}, not {_shown(value)}."


def _equal(name: str, actual: Any, wanted: Mapping[str, Any]) -> str:
    return f"{name} is {_shown(actual)}." if same(actual, wanted["value"]) else ""


def _out_of_bound(name: str, actual: Any, wanted: Mapping[str, Any]) -> str:
    op, value = wanted["op"], wanted["value"]
    if not _is_number(actual):
        return f"{name} is {_shown(actual)}, which is no number."
    holds = actual >= value if op == "at-least" else actual <= value
    return "" if holds else f"{name} is {_shown(actual)}, not {op.replace('-', ' ')} {_shown(value)}."


def _without(name: str, actual: Any, wanted: Mapping[str, Any]) -> str:
    return "" if _contains(actual, wanted["value"]) else f"{name} does not contain {_shown(wanted['value'])}."


def _mismatch(name: str, actual: Any, wanted: Mapping[str, Any]) -> str:
    fits = isinstance(actual, str) and found(wanted["value"], actual)
    return "" if fits else f"{name} does not match {_shown(wanted['value'])}."


def _share_unmet(name: str, actual: Any, wanted: Mapping[str, Any]) -> str:
    if not isinstance(actual, list):
        return f"{name} is no array."
    share, least = share_met(actual, wanted["of"]), float(wanted.get("share", 1))
    return (
        ""
        if share >= least
        else f"Of {len(actual)} in {wanted.get('pointer') or 'the answer'}, {share:.0%} are good, not {least:.0%}."
    )


def _contains(actual: Any, value: Any) -> bool:
    if isinstance(actual, str):
        return isinstance(value, str) and value in actual
    if isinstance(actual, dict):
        return isinstance(value, str) and value in actual
    return isinstance(actual, list) and any(same(one, value) for one in actual)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """A value in a sentence: short, and never a whole array or object."""
    if isinstance(value, list | dict):
        return f"{'an array' if isinstance(value, list) else 'an object'} of {len(value)}"
    if isinstance(value, str):
        return f"“{value[:_LONGEST_SHOWN]}{'…' if len(value) > _LONGEST_SHOWN else ''}”"
    text = json.dumps(value)
    return text[:_LONGEST_SHOWN]


def _words(status: Any) -> str:
    return " or ".join(str(one) for one in _listed(status))


_UNMET: dict[str, Callable[[str, Any, Mapping[str, Any]], str]] = {
    "exists": lambda _name, _actual, _wanted: "",
    "not-empty": _empty,
    "equals": _unequal,
    "not": _equal,
    "at-least": _out_of_bound,
    "at-most": _out_of_bound,
    "contains": _without,
    "matches": _mismatch,
    "every-share": _share_unmet,
}
