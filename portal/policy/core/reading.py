"""From the bytes of governance/policy.yml to a Policy, or to every fault that it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.policy.core.faults import Fault, Faults, Wrong
from portal.policy.core.keys import BY_NAME, SECTION_NAMES, SECTIONS, Key, Section
from portal.policy.core.policy import Figure, Policy
from portal.policy.core.tree import Blank, Node, Scalar, Table, text_of, tree_of
from portal.policy.core.words import near, short


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: a policy, or why it is none."""

    policy: Policy | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """A value as the file says it (`line` above 0), or as it is built in."""

    value: Any
    line: int = 0
    column: int = 0
    sound: bool = True


def read(content: bytes, file: str) -> Reading:
    """The policy of a file's bytes, with what is built in for each key that it leaves out; or all of its faults, and no policy.

    `file` is how the file is called in faults and sources.
    """
    faults = Faults(file, [])
    text = text_of(content, faults)
    tree = tree_of(text, faults) if text is not None else None
    said = _sections(tree, faults) if tree is not None else {}
    _across(said, faults)
    return Reading(None, faults.all()) if faults.found else Reading(_policy(said, file), ())


def built_in(file: str) -> Policy:
    """The policy of a file that says nothing."""
    return _policy({}, file)


def _sections(tree: Table, faults: Faults) -> dict[str, _Said]:
    """What is said, by "section.key"."""
    said: dict[str, _Said] = {}
    seen: dict[str, int] = {}
    for key, node in tree.entries:
        section = _known(key, faults, seen)
        if section is None:
            continue
        if section.bare:
            _value((section, section.keys[0], key.line), node, faults, said)
        elif isinstance(node, Table):
            _keys(section, node, faults, said)
        elif not isinstance(node, Blank):
            faults.add(node.line, node.column, _no_keys(section, node), section.name)
    return said


def _known(node: Node, faults: Faults, seen: dict[str, int]) -> Section | None:
    name = _name(node, "", faults)
    if name is None:
        return None
    if name not in BY_NAME:
        if not faults.full:
            reason = _unknown_section(name)
        faults.add(node.line, node.column, "" if faults.full else reason, short(name))
        return None
    if name in seen:
        faults.add(
            node.line, node.column, f"{name} stands here for the second time; the first is on line {seen[name]}.", name
        )
    seen.setdefault(name, node.line)
    return BY_NAME[name]


def _name(node: Node, within: str, faults: Faults) -> str | None:
    """The name that a key is, or None (and a fault) when it is no name."""
    if isinstance(node, Scalar):
        return node.text
    if not isinstance(node, Blank):
        faults.add(node.line, node.column, "A name belongs here, not a list or a group.", within)
    return None


def _unknown_section(name: str) -> str:
    owners = [section.name for section in SECTIONS for key in section.keys if key.name == name]
    if owners:
        return f"There is no section {short(name)}. This key belongs below {' or '.join(owners)}: indent it."
    meant = near(name, SECTION_NAMES)
    return f"There is no section {short(name)}: " + (
        f"did you mean {meant}?" if meant else f"there are {', '.join(SECTION_NAMES)}."
    )


def _no_keys(section: Section, node: Node) -> str:
    if isinstance(node, Scalar) and node.bare and node.text in ("", "~", "null"):
        return f"{section.name} is empty. Write its keys below it, indented, or leave it out."
    first = section.keys[0]
    return (
        f"Keys belong below {section.name}, each on a line of its own, as {first.name}: {str(first.built_in).lower()}."
    )


def _keys(section: Section, table: Table, faults: Faults, said: dict[str, _Said]) -> None:
    known = {key.name: key for key in section.keys}
    seen: dict[str, int] = {}
    for node, value in table.entries:
        name = _name(node, section.name, faults)
        if name is None:
            continue
        path = f"{section.name}.{short(name)}"
        if name not in known:
            faults.add(node.line, node.column, "" if faults.full else _unknown_key(section, name), path)
            continue
        if name in seen:
            faults.add(
                node.line,
                node.column,
                f"{name} stands here for the second time; the first is on line {seen[name]}.",
                path,
            )
            continue
        seen[name] = node.line
        _value((section, known[name], node.line), value, faults, said)


def _unknown_key(section: Section, name: str) -> str:
    names = tuple(key.name for key in section.keys)
    by_python = {key.python: key.name for key in section.keys}
    meant = by_python.get(name) or near(name, names)
    owner = next((other.name for other in SECTIONS for key in other.keys if key.name == name), "")
    if owner:
        return f"{short(name)} belongs to {owner}, not to {section.name}."
    if not meant:
        python = near(name, tuple(by_python))
        meant = by_python.get(python, "")
    told = f"did you mean {meant}?" if meant else f"its keys are {', '.join(names)}."
    return f"{section.name} has no key {short(name)}: {told}"


def _value(place: tuple[Section, Key, int], node: Node, faults: Faults, said: dict[str, _Said]) -> None:
    section, key, line = place
    path, sound, value = section.path(key), True, key.built_in
    try:
        value = key.kind.read(node)
    except Wrong as wrong:
        sound = False
        for one in (wrong, *wrong.further) if not isinstance(node, Blank) else ():
            faults.add(*(one.at or (node.line, node.column)), one.reason, path)
    said[path] = _Said(value, line, node.column if node.line == line else 1, sound)


def _across(said: Mapping[str, _Said], faults: Faults) -> None:
    """Notes what contradicts itself although each value alone is sound."""
    for section in SECTIONS:
        values = {key.name: _said(said, section, key) for key in section.keys}
        for names, reason in section.contradictions({name: found.value for name, found in values.items()}):
            involved = [values[name] for name in names]
            if all(found.sound for found in involved) and any(found.line for found in involved):
                _note(section.name, names, values, reason, faults)
    _channels(said, faults)


def _note(section: str, names: tuple[str, ...], values: Mapping[str, _Said], reason: str, faults: Faults) -> None:
    blamed = next(name for name in names if values[name].line)
    silent = [name for name in names if not values[name].line]
    more = f" {silent[0]} is built in: set it too." if silent else ""
    faults.add(values[blamed].line, values[blamed].column, reason + more, f"{section}.{blamed}")


def _channels(said: Mapping[str, _Said], faults: Faults) -> None:
    queue, ways = BY_NAME["queue_management"], BY_NAME["alert_channels"]
    used = _said(said, queue, next(key for key in queue.keys if key.name == "alert_channels"))
    there = _said(said, ways, ways.keys[0])
    if not (used.sound and there.sound):
        return
    for name in used.value:
        if name not in there.value:
            blamed = used if used.line else there
            reason = f"The queue's alerts go to {name}, which is not among alert_channels ({', '.join(there.value) or 'none'})."
            faults.add(blamed.line, blamed.column, reason, "queue_management.alert_channels")


def _said(said: Mapping[str, _Said], section: Section, key: Key) -> _Said:
    return said.get(section.path(key)) or _Said(key.built_in)


def _policy(said: Mapping[str, _Said], file: str) -> Policy:
    made: dict[str, Any] = {}
    figures: list[Figure] = []
    for section in SECTIONS:
        native = {}
        for key in section.keys:
            found = _said(said, section, key)
            native[key.python] = key.kind.native(found.value)
            path = section.path(key)
            figures.append(Figure(path, section.name, key.name, found.value, key.kind.unit, key.says, file, found.line))
        made[section.name] = section.make(native[section.keys[0].python]) if section.bare else section.make(**native)
    return Policy(**made, figures=tuple(figures))
