"""What a document's rules say: JSON Pointer globs, each with one policy for what stands there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conflicts.core.globs import BadGlob, Globs, Spot, parse_glob

LISTS = ("key", "set", "append", "atomic", "lcs")
TEXTS = ("lines", "sentences")
VALUES = ("conflict", "max", "min", "sum-delta", "latest", "local", "remote", "immutable", "transitions")


@dataclass(frozen=True, slots=True)
class ListPolicy:
    """How a list is merged; `key` names the fields that tell its items apart, `ask` asks when both sides removed or moved items."""

    how: str
    key: tuple[str, ...] = ("id",)
    ask: bool = False
    time: str = "at"


@dataclass(frozen=True, slots=True)
class TextPolicy:
    """A string is merged passage by passage."""

    how: str = "lines"


@dataclass(frozen=True, slots=True)
class ValuePolicy:
    """A value is one unit, and this settles it when both sides changed it."""

    how: str
    by: str = ""
    allowed: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def transient(self) -> bool:
        """Whether a change here never keeps the other side from deleting what is around it."""
        return self.how in {"local", "remote"}


Policy = ListPolicy | TextPolicy | ValuePolicy


@dataclass(frozen=True, slots=True)
class Rule:
    """One glob and its policy."""

    glob: str
    policy: Policy


class RulesError(ValueError):
    """The rules cannot be read; `faults` says where (a JSON Pointer into the rules) and why."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer}: {sentence}" for pointer, sentence in faults))
        self.faults = list(faults)


class Rules:
    """Rules that were read: `root` is the place of the whole document, from where a walk steps down."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._globs = Globs([(parse_glob(rule.glob), rule) for rule in self.rules])
        self._transient = frozenset(
            number
            for number, rule in enumerate(self.rules)
            if isinstance(rule.policy, ValuePolicy) and rule.policy.transient
        )

    @property
    def root(self) -> Spot[Rule]:
        """The place of the whole document."""
        return self._globs.root

    def holding(self, path: str) -> str:
        """The glob whose policy holds at a place (a JSON Pointer) or at the list that it is an item of; "" where the defaults do."""
        spot, around = self.root, None
        steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
        for step in steps:
            around, spot = spot, spot.item() if step.isdigit() else spot.step(step)
        found = spot.found or (around.found if around and steps[-1].isdigit() else None)
        return found.glob if found else ""

    def maybe_transient(self, spot: Spot[Rule]) -> bool:
        """Whether anything at this place or below it may be transient."""
        return not self._transient.isdisjoint(spot.reachable)


def parse_rules(rules: Mapping[str, Any] | Rules | None) -> Rules:
    """The rules out of their JSON form; raises RulesError with all that is wrong in it."""
    if isinstance(rules, Rules):
        return rules
    if rules is None:
        return Rules()
    if not isinstance(rules, Mapping):
        raise RulesError([("", "The rules are an object of paths and their policies.")])
    faults: list[tuple[str, str]] = []
    parsed = [rule for glob, policy in rules.items() if (rule := _rule(glob, policy, faults)) is not None]
    if faults:
        raise RulesError(faults)
    return Rules(parsed)


class _Fault(ValueError):
    def __init__(self, where: str, sentence: str) -> None:
        super().__init__(sentence)
        self.where = where


def _rule(glob: Any, policy: Any, faults: list[tuple[str, str]]) -> Rule | None:
    pointer = "/" + str(glob).replace("~", "~0").replace("/", "~1")
    try:
        parse_glob(str(glob))
        return Rule(str(glob), _policy(policy))
    except BadGlob as bad:
        faults.append((pointer, str(bad)))
    except _Fault as fault:
        faults.append((pointer + fault.where, str(fault)))
    return None


def _policy(policy: Any) -> Policy:
    if not isinstance(policy, Mapping):
        raise _Fault("", 'A policy is an object such as {"list": "key"}.')
    named = [name for name in _READERS if name in policy]
    if len(named) != 1:
        raise _Fault("", 'A policy has exactly one of "list", "text" and "value".')
    choices, reader = _READERS[named[0]]
    how = policy[named[0]]
    if not isinstance(how, str) or how not in choices:
        raise _Fault("/" + named[0], f"It is one of {', '.join(choices)}.")
    return reader(how, {name: value for name, value in policy.items() if name != named[0]})


def _list_policy(how: str, more: dict[str, Any]) -> ListPolicy:
    known = {"key": ("key", "structure"), "append": ("key", "time")}.get(how, ())
    _only(more, known, f'the list policy "{how}"')
    structure = more.get("structure", "merge")
    if structure not in ("merge", "ask"):
        raise _Fault("/structure", "It is one of merge, ask.")
    key = _fields(more.get("key", "id"))
    return ListPolicy(how, key=key, ask=structure == "ask", time=_field(more.get("time", "at"), "/time"))


def _text_policy(how: str, more: dict[str, Any]) -> TextPolicy:
    _only(more, (), "a text policy")
    return TextPolicy(how)


def _value_policy(how: str, more: dict[str, Any]) -> ValuePolicy:
    needed = {"latest": ("by",), "transitions": ("allowed",)}.get(how, ())
    _only(more, needed, f'the value policy "{how}"')
    for name in needed:
        if name not in more:
            raise _Fault("", f'The value policy "{how}" needs "{name}".')
    by = _field(more["by"], "/by") if how == "latest" else ""
    return ValuePolicy(how, by=by, allowed=_moves(more["allowed"]) if how == "transitions" else {})


_READERS: dict[str, tuple[tuple[str, ...], Callable[[str, dict[str, Any]], Policy]]] = {
    "list": (LISTS, _list_policy),
    "text": (TEXTS, _text_policy),
    "value": (VALUES, _value_policy),
}


def _only(more: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for name in more:
        if name not in known:
            raise _Fault("/" + str(name).replace("~", "~0").replace("/", "~1"), f"This is not known in {what}.")


def _field(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name:
        raise _Fault(where, "It is the name of a field.")
    return name


def _fields(key: Any) -> tuple[str, ...]:
    names = key if isinstance(key, list | tuple) else [key]
    if not names or len(set(map(str, names))) != len(names):
        raise _Fault("/key", "It is the name of a field, or a list of different names.")
    return tuple(_field(name, "/key") for name in names)


def _moves(allowed: Any) -> Mapping[str, frozenset[str]]:
    if not isinstance(allowed, Mapping):
        raise _Fault("/allowed", "It is an object: each value with the list of values that may follow it.")
    for start, ends in allowed.items():
        if not isinstance(ends, list | tuple) or not all(isinstance(end, str) for end in ends):
            raise _Fault(f"/allowed/{str(start).replace('~', '~0').replace('/', '~1')}", "It is a list of values.")
    return {str(start): frozenset(ends) for start, ends in allowed.items()}
