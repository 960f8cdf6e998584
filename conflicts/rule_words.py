"""Merge rules and what they decided, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conflicts.core import Decision, parse_rules
from conflicts.core.rules import ListPolicy, Policy, TextPolicy, ValuePolicy

_PLAIN: Mapping[tuple[str, str], str | Promise] = {
    ("list", "set"): gettext_lazy("A set: what either side adds or removes counts, the order does not."),
    ("list", "atomic"): gettext_lazy("A list that is one value: it asks when both sides changed it."),
    ("list", "lcs"): gettext_lazy("A list without keys: elements are matched by their contents and their order."),
    ("text", "lines"): gettext_lazy("A text, merged line by line; lines that both sides changed ask."),
    ("text", "sentences"): gettext_lazy("A text, merged sentence by sentence; those that both sides changed ask."),
    ("value", "conflict"): gettext_lazy("One value: it asks when both sides changed it differently."),
    ("value", "max"): gettext_lazy("The larger number counts."),
    ("value", "min"): gettext_lazy("The smaller number counts."),
    ("value", "sum-delta"): gettext_lazy("A count: what both sides added is added up."),
    ("value", "local"): gettext_lazy("The local side counts, and never keeps the upstream from deleting."),
    ("value", "remote"): gettext_lazy("The upstream counts, and its change never keeps the local side from deleting."),
    ("value", "immutable"): gettext_lazy("It is set once: a later change asks."),
}
_ACTIONS: Mapping[str, str | Promise] = {
    "conflict": gettext_lazy("asks"),
    "local": gettext_lazy("takes local"),
    "remote": gettext_lazy("takes the upstream's"),
    "same": gettext_lazy("both did the same"),
}
_KINDS: Mapping[str, str | Promise] = {
    "value": gettext_lazy("value"),
    "add-add": gettext_lazy("added twice"),
    "delete-modify": gettext_lazy("deleted and changed"),
    "type": gettext_lazy("type"),
    "order": gettext_lazy("order"),
    "duplicate-key": gettext_lazy("duplicate key"),
    "array": gettext_lazy("list"),
    "text": gettext_lazy("text"),
    "policy": gettext_lazy("rule"),
}
_SORTS: Mapping[type[Policy], str] = {ListPolicy: "list", TextPolicy: "text", ValuePolicy: "value"}


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A policy for people: what it says, and the paths that it holds for."""

    words: str
    paths: Sequence[str]


def rows_of(rules: Mapping[str, Any]) -> Sequence[RuleRow]:
    """Rules that can be read, in words; paths with the same policy stand together."""
    paths: dict[str, list[str]] = {}
    for rule in parse_rules(rules).rules:
        paths.setdefault(policy_words(rule.policy), []).append(rule.glob or "/")
    return [RuleRow(words, found) for words, found in paths.items()]


def policy_words(policy: Policy) -> str:
    """What a policy says, in a sentence or two."""
    match policy:
        case ListPolicy(how="key"):
            known = _("A list whose items are known by %s; each is merged by itself.") % ", ".join(policy.key)
            ask = _("It asks when both sides removed or moved items.")
            return f"{known} {ask}" if policy.ask else known
        case ListPolicy(how="append"):
            said = {"key": ", ".join(policy.key), "time": policy.time}
            return _("A log: the entries of both sides, known by %(key)s, in the order of %(time)s.") % said
        case ValuePolicy(how="latest"):
            return _("The side with the later %s counts.") % policy.by
        case ValuePolicy(how="transitions"):
            moves = "; ".join(f"{start} → {', '.join(sorted(ends))}" for start, ends in policy.allowed.items())
            return _("A status: these moves are allowed, others ask, and so do two different ones. %s") % moves
        case ListPolicy() | TextPolicy() | ValuePolicy():
            return str(_PLAIN[_SORTS[type(policy)], policy.how])


def action_words(decision: Decision) -> str:
    """What becomes of a decision's place."""
    if decision.action in _ACTIONS:
        return str(_ACTIONS[decision.action])
    return _("merged (%s)") % decision.action.removeprefix("auto:")


def kind_words(decision: Decision) -> str:
    """What sort of difference it is."""
    return str(_KINDS.get(decision.kind, decision.kind))
