"""Lists: how their items are told apart, in which order they stand, and how they are merged."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from conflicts.core import reasons
from conflicts.core.decisions import MISSING
from conflicts.core.diff import Work
from conflicts.core.equality import alike, same
from conflicts.core.identity import Identities, Items, Keyed, found_field, keyed_by, shown, spelled
from conflicts.core.order import Order, backed_by, moved, ordered
from conflicts.core.place import SIDED, Finding, Place, Walker
from conflicts.core.rules import ListPolicy
from conflicts.core.sequences import sequence
from conflicts.core.values import moment, one_sided

_REORDERED = {
    "local": reasons.REORDERED_HERE,
    "remote": reasons.REORDERED_UPSTREAM,
    "same": reasons.REORDERED_SAME,
}


def merge_list(walker: Walker, place: Place, base: Any, local: Items, remote: Items) -> Any:
    """The merged list; `base` may be MISSING."""
    before = [] if base is MISSING else base
    policy = place.policy
    if not isinstance(policy, ListPolicy):
        field = found_field(before, local, remote)
        policy = ListPolicy("key", (field,)) if field else ListPolicy("lcs")
    if policy.how in {"atomic", "lcs"}:
        if same(local, base) and same(remote, base):
            return remote
        finding = sequence(base, local, remote, walker.work, atomic=policy.how == "atomic")
        return walker.settle(place, replace(finding, by_rule=_ruled(place) and finding.action not in SIDED))
    keyed = keyed_by(policy, before, local, remote)
    if keyed is None:
        if same(local, base) and same(remote, base):
            return remote
        return walker.settle(place, _unmatched(base, local, remote))
    if base is not MISSING or walker.inside:
        return _merge_keyed(walker, place, policy, keyed)
    finding = Finding("add-add", f"auto:{policy.how}", base, local, remote, reasons.MERGED_ADDITIONS)
    return walker.within(place, finding, lambda: _merge_keyed(walker, place, policy, keyed))


def _ruled(place: Place) -> bool:
    return isinstance(place.policy, ListPolicy)


def _unmatched(base: Any, local: Items, remote: Items) -> Finding:
    finding = one_sided(base, local, remote, "array")
    return finding or Finding("duplicate-key", "conflict", base, local, remote, reasons.DUPLICATE_KEY, by_rule=True)


# Lists whose items are matched


def _merge_keyed(walker: Walker, place: Place, policy: ListPolicy, keyed: Keyed) -> Items:
    base, local, remote = (dict(zip(*pair, strict=True)) for pair in zip(keyed.keys, keyed.items, strict=True))
    keys, gone = _settled_order(walker, place, policy, keyed)
    numbers: dict[Hashable, int] = {}
    for version in (keyed.keys[1], keyed.keys[2], keyed.keys[0]):
        numbers.update(zip(version, range(len(version)), strict=True))
    values: dict[Hashable, Any] = {}
    for key in _document_order(keyed):
        before, ours, theirs = base.get(key, MISSING), local.get(key, MISSING), remote.get(key, MISSING)
        if key in gone:
            values[key] = gone[key]
        elif alike(ours, before) and alike(theirs, before):
            values[key] = theirs
        else:
            values[key] = walker.walk(place.item(numbers[key], spelled(key), shown(key)), before, ours, theirs)
    merged = [value for key in keys if (value := values[key]) is not MISSING]
    theirs = keyed.items[2]
    untouched = len(merged) == len(theirs) and all(map(_identical, merged, theirs))
    return theirs if untouched else merged


def _identical(one: Any, other: Any) -> bool:
    return one is other


def _document_order(keyed: Keyed) -> list[Hashable]:
    base, local, remote = keyed.keys
    return base if base == local == remote else list(dict.fromkeys([*base, *remote, *local]))


def _settled_order(
    walker: Walker, place: Place, policy: ListPolicy, keyed: Keyed
) -> tuple[list[Hashable], dict[Hashable, Any]]:
    """The order of all items, and what becomes of those whose fate belongs to a decision over the whole list."""
    base, local, remote = keyed.keys
    if base == local == remote:
        return base, {}
    order = _order(policy, keyed, walker.work)
    removed = _removed(keyed)
    if policy.ask and _restructured(keyed):
        return _asked(walker, place, keyed, order, removed)
    if not order.action:
        return order.keys, {}
    finding = Finding(
        "order",
        order.action,
        *keyed.items,
        order.reason,
        merged=order.keys,
        identities=_spelled_keys(keyed),
        by_rule=_ruled(place) and order.action not in SIDED,
        options=("local", "remote", "base"),
    )
    _, choice = walker.decide(place, finding)
    return _chosen_order(order, keyed, choice), {}


def _spelled_keys(keyed: Keyed) -> tuple[Any, Any, Any]:
    base, local, remote = ([spelled(key) for key in keys] for keys in keyed.keys)
    return base, local, remote


def _chosen_order(order: Order, keyed: Keyed, choice: Any) -> list[Hashable]:
    base, local, remote = keyed.keys
    match choice:
        case "local":
            return backed_by(local, remote, base)
        case "remote":
            return backed_by(remote, local, base)
        case "base":
            return backed_by(base, local, remote)
    return order.keys


def _order(policy: ListPolicy, keyed: Keyed, work: Work) -> Order:
    match policy.how:
        case "set":
            return _set_order(*keyed.keys, work)
        case "append":
            return _time_order(policy, keyed, work)
    return ordered(*keyed.keys, work)


def _set_order(base: Identities, local: Identities, remote: Identities, work: Work) -> Order:
    """An order that does not tell the sides apart: where they add at one place, what sorts first stands first."""
    if _sorts_first(base, local, remote):
        order = ordered(base, remote, local, work, "set")
        swapped = {"local": "remote", "remote": "local"}.get(order.action, order.action)
        order = Order(order.keys, swapped)
    else:
        order = ordered(base, local, remote, work, "set")
    if not order.action:
        return order
    action = "auto:set" if order.action == "conflict" else order.action
    return Order(order.keys, action, _REORDERED.get(action, reasons.SET_ORDER))


def _sorts_first(base: Identities, one: Identities, other: Identities) -> bool:
    """Whether what the one adds sorts before what the other adds, so that either can be called local."""
    known = set(base)
    added, others = ([spelled(key) for key in side if key not in known] for side in (one, other))
    return added < others if added != others else list(map(spelled, one)) < list(map(spelled, other))


def _time_order(policy: ListPolicy, keyed: Keyed, work: Work) -> Order:
    """The common entries as they stood, then the new ones of both sides by their time; one side's alone stay where it put them."""
    base, local, remote = keyed.keys
    known = set(base)
    ours, theirs = set(local) - known, set(remote) - known
    order = ordered(base, local, remote, work, "append")
    if (ours <= theirs or theirs <= ours) and order.action != "conflict":
        return order
    common = ordered(
        base, [key for key in local if key in known], [key for key in remote if key in known], work, "append"
    )
    items = dict(zip([*local, *remote], [*keyed.items[1], *keyed.items[2]], strict=True))
    new = sorted(ours | theirs, key=lambda key: (*_time(items[key], policy.time), spelled(key)))
    keys = [*common.keys, *new]
    if common.action == "conflict":
        return Order(keys, "conflict", common.reason)
    return _agreed(Order(keys, common.action or "auto:append", common.reason or reasons.TIME_ORDER), keyed)


def _agreed(order: Order, keyed: Keyed) -> Order:
    for keys in keyed.keys:
        known = set(keys)
        if [key for key in order.keys if key in known] != keys:
            return order
    return Order(order.keys)


def _time(entry: Any, field: str) -> tuple[int, float, str]:
    """What entries are sorted by: moments first, then numbers, then other texts, then those without a time."""
    value = entry.get(field) if isinstance(entry, dict) else None
    found = moment(value)
    if found:
        return *found, ""
    return (2, 0.0, value) if isinstance(value, str) else (3, 0.0, "")


# When both sides remove or move items of one list, and the rule says to ask


def _removed(keyed: Keyed) -> tuple[set[Hashable], set[Hashable]]:
    base, local, remote = map(set, keyed.keys)
    return base - local, base - remote


def _restructured(keyed: Keyed) -> bool:
    """Whether both sides removed or moved items, and not the same."""
    base, local, remote = keyed.keys
    gone_here, gone_upstream = _removed(keyed)
    here = bool(gone_here) or moved(base, local)
    upstream = bool(gone_upstream) or moved(base, remote)
    if not (here and upstream):
        return False
    known = set(base)
    return [key for key in local if key in known] != [key for key in remote if key in known]


def _asked(
    walker: Walker, place: Place, keyed: Keyed, order: Order, removed: tuple[set[Hashable], set[Hashable]]
) -> tuple[list[Hashable], dict[Hashable, Any]]:
    """One question for the whole list: which items stay, and in which order. What the items hold is merged for itself."""
    options = ["local", "remote", "base"] + (["both"] if order.action != "conflict" else [])
    finding = Finding(
        "array",
        "conflict",
        *keyed.items,
        reasons.STRUCTURE,
        identities=_spelled_keys(keyed),
        by_rule=True,
        options=tuple(options),
    )
    _, choice = walker.decide(place, finding)
    base, local, remote = (dict(zip(*pair, strict=True)) for pair in zip(keyed.keys, keyed.items, strict=True))
    gone: dict[Hashable, Any] = {}
    for key in removed[0] - removed[1]:
        if same(remote[key], base[key]):
            gone[key] = MISSING if choice in ("local", "both") else remote[key]
    for key in removed[1] - removed[0]:
        if same(local[key], base[key]):
            gone[key] = MISSING if choice in ("remote", "both") else local[key]
    keys = order.keys if choice == "both" else _chosen_order(order, keyed, choice or "base")
    return keys, gone
