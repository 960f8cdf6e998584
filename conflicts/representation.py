"""Conflicts as JSON for the REST API. What is not there is left out and named in `missing`, so that null stays null."""

from collections.abc import Mapping, Sequence
from typing import Any

from conflicts.core import MISSING, Choice, ChoiceError, Decision, Hunk, merge
from conflicts.core.choosing import Discarded, kept, undecided
from conflicts.core.verdict import judge
from conflicts.delivery import delivery
from conflicts.models import Conflict, Round
from conflicts.preview import Preview
from conflicts.rounds import rounds_of
from conflicts.states import ConflictState
from portal.kit.viewer import Viewer

_PLAIN = (
    "kind",
    "operation",
    "entity_type",
    "entity_id",
    "title",
    "digest",
    "base_known",
    "base_version",
    "remote_version",
    "local_by",
    "local_at",
    "remote_by",
    "remote_at",
    "opened_at",
    "moved_at",
    "resolved_at",
    "resolved_by",
    "finished_at",
    "rounds",
)
LARGE = ("base", "local", "remote", "result", "rules", "choices")
"""Columns that a list does not need."""


def represent_all(viewer: Viewer, conflicts: Sequence[Conflict]) -> list[dict[str, Any]]:
    """The conflicts as JSON, in the same order. Their upstream and organization are to be loaded."""
    waiting = [one.item_id for one in conflicts if one.conflict_state is ConflictState.OPEN]
    behind = delivery().behind(viewer, waiting) if waiting else {}
    return [_row(one, behind.get(one.item_id, 0)) for one in conflicts]


def represent_whole(viewer: Viewer, conflict: Conflict) -> dict[str, Any]:
    """One conflict with its documents, decisions and choices."""
    base, local, remote = conflict.documents()
    choices = conflict.read_choices()
    rules = conflict.read_rules()
    decisions = merge(base, local, remote, rules).decisions
    result = conflict.read_result() if conflict.settled else MISSING
    asks = undecided(decisions, kept(decisions, choices)) if conflict.conflict_state is ConflictState.OPEN else []
    return {
        **represent_all(viewer, [conflict])[0],
        **_present({"base": base, "local": local, "remote": remote, "result": result}),
        "settled": conflict.settled,
        "rules": rules,
        "decisions": [_decision(decision) for decision in decisions],
        "choices": choices,
        "undecided": [decision.id for decision in asks],
        "earlier": [_round(one) for one in rounds_of(viewer, conflict)],
    }


def _round(one: Round) -> dict[str, Any]:
    names = ("number", "ended_at", "resolved_by", "remote_version")
    result = one.read_result() if one.settled else MISSING
    return {**{name: getattr(one, name) for name in names}, "choices": one.read_choices(), **_given("result", result)}


def represent_preview(found: Preview) -> dict[str, Any]:
    """What would be sent."""
    return {
        "missing": found.document is MISSING,
        **_given("document", found.document),
        "undecided": [decision.id for decision in found.undecided],
        "discarded": [_discarded(one) for one in found.discarded],
        "faults": [{"pointer": fault.pointer, "detail": fault.detail} for fault in found.faults],
    }


def still_asked(conflict: Conflict, choices: Mapping[str, Choice] | None) -> list[str]:
    """The decisions that a person must look at in the conflict as it is now, given what was chosen in an earlier one."""
    documents, rules = conflict.documents(), conflict.read_rules()
    try:
        verdict = judge(*documents, rules, choices)
    except ChoiceError:
        verdict = judge(*documents, rules)
    return [decision.id for decision in verdict.asks]


def _row(conflict: Conflict, behind: int) -> dict[str, Any]:
    return {
        "id": str(conflict.pk),
        "state": conflict.conflict_state.slug,
        "item": str(conflict.item_id),
        "organization": conflict.organization.slug,
        "upstream": conflict.upstream.slug,
        "behind": behind,
        "decision_count": conflict.decisions,
        "ask_count": conflict.asks,
        "stale_count": conflict.stale,
        "by_hand": conflict.manual,
        **{name: getattr(conflict, name) for name in _PLAIN},
    }


def _decision(decision: Decision) -> dict[str, Any]:
    plain = ("id", "path", "key", "kind", "action", "asks", "reason", "rule")
    return {
        **{name: getattr(decision, name) for name in plain},
        "options": list(decision.options),
        **_present({side: getattr(decision, side) for side in ("base", "local", "remote")}),
        **_given("suggestion", decision.suggestion),
        "hunks": [_hunk(hunk) for hunk in decision.hunks],
    }


def _hunk(hunk: Hunk) -> dict[str, Any]:
    names = ("number", "start", "end", "base", "local", "remote", "action", "asks", "suggestion")
    return {name: getattr(hunk, name) for name in names}


def _discarded(one: Discarded) -> dict[str, Any]:
    return {
        "decision": one.decision.id,
        "path": one.decision.path,
        "side": one.side,
        "hunk": one.hunk,
        "missing": one.value is MISSING,
        **_given("value", one.value),
    }


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are there, and the names of the others."""
    there = {name: value for name, value in values.items() if value is not MISSING}
    return {**there, "missing": [name for name in values if name not in there]}


def _given(name: str, value: Any) -> dict[str, Any]:
    return {} if value is MISSING else {name: value}
