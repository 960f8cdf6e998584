"""Looking at documents and decisions without the engine: a second opinion."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from conflicts.core import MISSING, Decision, Merge


def canonical(given: Any) -> Any:
    """Return a value that equals another's exactly when both are the same JSON: true is not 1, 1 is 1.0, members have no order."""
    match given:
        case bool() | None:
            return ("constant", given)
        case int() | float():
            return ("number", given)
        case str():
            return ("string", given)
        case list():
            return ("list", tuple(canonical(item) for item in given))
        case dict():
            return ("object", frozenset((name, canonical(member)) for name, member in given.items()))
    return given


def same(one: Any, other: Any) -> bool:
    """Return whether two documents are the same JSON."""
    return bool(canonical(one) == canonical(other))


def loose(given: Any) -> Any:
    """Return what `canonical` does, but without the order of lists whose items have ids."""
    match given:
        case dict():
            return ("object", frozenset((name, loose(member)) for name, member in given.items()))
        case list() if has_ids(given):
            return ("items", frozenset(loose(item) for item in given))
        case list():
            return ("list", tuple(loose(item) for item in given))
    return canonical(given)


def key_of(item: Any) -> Any:
    """Return what an item is known by: its id, uuid or key, or kind and target of a link; None when it has none of them."""
    if not isinstance(item, dict):
        return None
    parts = [item[name] for name in ("id", "uuid", "key") if name in item][:1] or [item.get("kind"), item.get("to")]
    return tuple(map(canonical, parts)) if all(isinstance(part, str | int) for part in parts) else None


def has_ids(*lists: Sequence[Any]) -> bool:
    """Return whether all items of each list are known by something of their own in that list."""
    for items in lists:
        keys = [key_of(item) for item in items]
        if None in keys or len(set(keys)) < len(items):
            return False
    return True


def mirrored(decision: Decision, swap: bool = True) -> tuple[Any, ...]:
    """Return what a decision says, as if the sides had changed places. Its path counts where base has something there."""
    sides = [canonical(decision.local), canonical(decision.remote)]
    actions = {"local": "remote", "remote": "local", "auto:local": "auto:remote", "auto:remote": "auto:local"}
    action = actions.get(decision.action, decision.action) if swap else decision.action
    path = "" if decision.base is MISSING else decision.path
    return (path, decision.kind, action, decision.key, canonical(decision.base), *(reversed(sides) if swap else sides))


def leaves(given: Any) -> Iterator[tuple[str, str]]:
    """Yield everything in a document that has nothing inside: with its type, since 1 is spelt otherwise than 1.0 and true."""
    match given:
        case dict() if given:
            for name, member in given.items():
                yield ("name", name)
                yield from leaves(member)
        case list() if given:
            for item in given:
                yield from leaves(item)
        case str():
            yield ("str", given)
        case _:
            yield (type(given).__name__, repr(given))


def invented(draft: Any, versions: Sequence[Any], *, words: bool = False) -> set[tuple[str, str]]:
    """Return the leaves of a draft that no version has. A text may be made of lines of several; with `words`, of their words."""
    known = {leaf for version in versions for leaf in leaves(version)} | {("dict", "{}"), ("list", "[]")}
    parts = {part for kind, text in known if kind == "str" for part in _parts(text, words)}
    fresh = set(leaves(draft)) - known
    return {(kind, text) for kind, text in fresh if kind != "str" or not set(_parts(text, words)) <= parts}


def _parts(text: str, words: bool) -> list[str]:
    """Return the lines without their ends, of which the last may gain or lose one, or the words."""
    return re.findall(r"\w+|\s|.", text) if words else text.splitlines()


def pointer(path: str, step: str | int) -> str:
    """Return the JSON Pointer of a step further."""
    return f"{path}/{str(step).replace('~', '~0').replace('/', '~1')}"


def lost(
    base: Any, side: Any, other: Any, draft: Any, asked: Sequence[str], path: str = "", *, local_leads: bool = True
) -> Iterator[str]:
    """Yield the places where `side` changed base and neither the draft shows it nor a conflict asks about it.

    `local_leads` says that `side` is local's version: what base lacks stands under its index in remote, or else in local.
    """
    if same(base, side) or same(draft, side) or any(path == there or path.startswith(there + "/") for there in asked):
        return
    versions = (side, other, draft)
    if all(isinstance(version, dict) for version in versions):
        was = base if isinstance(base, dict) else {}
        for name in {**was, **side}:
            members = [version.get(name, MISSING) for version in (was, *versions)]
            yield from lost(*members, asked, pointer(path, name), local_leads=local_leads)
    elif all(isinstance(version, list) for version in versions):
        was = base if isinstance(base, list) else []
        if has_ids(was, side, other):
            yield from _lost_items(was, side, other, draft, asked, path, local_leads)
        else:
            yield from _lost_elements(was, side, other, draft, path)
    elif all(isinstance(version, str) for version in (base, *versions)) and "\n" in base:
        cut = re.compile(r"(?<=[.!?\u2026]) |\r?\n" if path.endswith("/notes") else r"\r?\n")
        gone = set(cut.split(side)) - set(cut.split(base)) - set(cut.split(draft))
        yield from (f"{path}: {line}" for line in gone)
    else:
        yield path


def _lost_items(
    base: list[Any],
    side: list[Any],
    other: list[Any],
    draft: list[Any],
    asked: Sequence[str],
    path: str,
    local_leads: bool,
) -> Iterator[str]:
    lists = (base, side, other, draft)
    by_id = [{key_of(item): item for item in items} for items in lists]
    local, remote = (side, other) if local_leads else (other, side)
    places: dict[Any, int] = {}
    for items in (base, remote, local):
        for place, item in enumerate(items):
            places.setdefault(key_of(item), place)
    for key in {**by_id[0], **by_id[1]}:
        found = [items.get(key, MISSING) for items in by_id]
        yield from lost(*found, asked, pointer(path, places[key]), local_leads=local_leads)


def _lost_elements(base: list[Any], side: list[Any], other: list[Any], draft: list[Any], path: str) -> Iterator[str]:
    """An added element has to be there; a removed one must not be, where every element is unique and the other side kept the order."""
    was, now, there, done = (list(map(canonical, items)) for items in (base, side, other, draft))
    yield from (f"{path}: {element} is missing" for element in now if element not in was and element not in done)
    kept = [element for element in there if element in was]
    if (
        len(set(was)) == len(was)
        and kept == [element for element in was if element in kept]
        and len(set(there)) == len(there)
    ):
        yield from (f"{path}: {element} is back" for element in was if element not in now and element in done)


def assert_explained(base: list[str], local: list[str], remote: list[str], done: Merge) -> None:
    """Hold the hunks of a clean merge against three texts in lines: each has to be one change, between lines that nobody changed."""
    (decision,) = done.decisions
    rebuilt: dict[str, list[str]] = {"local": [], "remote": [], "draft": []}
    reached = 0
    for hunk in decision.hunks:
        between = base[reached : hunk.start]
        assert between or not reached, "hunks touch"
        assert "".join(base[hunk.start : hunk.end]) == hunk.base
        assert hunk.base in (hunk.local, hunk.remote) or hunk.local == hunk.remote
        took = hunk.local if hunk.remote == hunk.base else hunk.remote
        for name, part in (("local", hunk.local), ("remote", hunk.remote), ("draft", took)):
            rebuilt[name] += [*between, part]
        reached = hunk.end
    versions = {"local": "".join(local), "remote": "".join(remote), "draft": done.draft}
    assert {name: "".join(parts + base[reached:]) for name, parts in rebuilt.items()} == versions


def rebuilt(decision: Decision, side: str) -> Any:
    """Return what a side has, put together from a decision's hunks and what stands between them in base."""
    tokens = re.findall(r"[^\n]*\n|[^\n]+", decision.base) if isinstance(decision.base, str) else decision.base
    parts, reached = [], 0
    for hunk in decision.hunks:
        assert reached <= hunk.start <= hunk.end <= len(tokens)
        parts += [tokens[reached : hunk.start], getattr(hunk, side)]
        reached = hunk.end
    parts.append(tokens[reached:])
    return (
        "".join("".join(part) for part in parts)
        if isinstance(decision.base, str)
        else [item for part in parts for item in part]
    )
