"""YAML as a tree that knows its lines. It builds no objects, follows no alias, and ends at a depth and at a number of nodes.

    bytes ─ text_of ─▶ text ─ tree_of ─▶ Table(entries) of Scalar | Items | Table | Blank

A file whose syntax is broken is read again section by section, so that one slip does not hide the other faults.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import yaml

from portal.policy.core.faults import Faults
from portal.policy.core.words import short

LARGEST = 262_144
"""Bytes; a policy of all keys has 2,000."""
DEEPEST = 8
MOST_NODES = 10_000

_STRANGE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TABBED = re.compile(r"^[ ]*\t[\t ]*[^\s#]", re.MULTILINE)
_SECTION = re.compile(r"^[^\s#\-\]\},]", re.MULTILINE)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as it was written; `bare` without quotes."""

    line: int
    column: int
    text: str
    bare: bool


@dataclass(slots=True)
class Items:
    """A list."""

    line: int
    column: int
    items: "list[Node]" = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """Keys with their values, in order, a key that stands twice too."""

    line: int
    column: int
    entries: "list[tuple[Node, Node]]" = field(default_factory=list)
    waiting: "Node | None" = None


@dataclass(frozen=True, slots=True)
class Blank:
    """What stands where a value should, and whose fault is noted."""

    line: int
    column: int


Node = Scalar | Items | Table | Blank


class _EnoughError(Exception):
    """The rest is not worth reading; the fault is noted."""


def text_of(content: bytes, faults: Faults) -> str | None:
    """The file's text; None, and a fault, when it is none or too much."""
    if len(content) > LARGEST:
        faults.add(0, 0, f"The file has more than {LARGEST // 1024} KB. A policy with every key has 2 KB.")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = error.start - before.rfind(b"\n")
        said = f"The file is not UTF-8: byte 0x{content[error.start]:02x} cannot stand here. Save it as UTF-8."
        faults.add(before.count(b"\n") + 1, column, said)
        return None
    strange = _STRANGE.search(text)
    if strange:
        line, column = _place(text, strange.start())
        faults.add(line, column, f"The character U+{ord(strange.group()):04X} cannot stand in YAML. Remove it.")
        return None
    return text


def tree_of(text: str, faults: Faults) -> Table | None:
    """The document's sections; None, and a fault, when there are none."""
    tabs = {_place(text, found.end() - 1)[0] for found in _TABBED.finditer(text)}
    for line in sorted(tabs):
        faults.add(line, 1, "This line is indented with a tab. YAML takes spaces only.")
    alone = Faults(faults.file, [])
    root, sound = _parse(text, alone)
    if not sound:
        root = _piece_by_piece(text, alone)
    for fault in alone.found:
        if fault.line not in tabs:
            faults.add(fault.line, fault.column, fault.reason)
    faults.more += alone.more
    if isinstance(root, Table):
        return root
    if root is not None:
        faults.add(
            root.line,
            root.column,
            "The file holds no sections. Begin with one such as circuit_breaker: and its keys below it.",
        )
    elif not faults.found:
        faults.add(0, 0, "The file is empty.")
    return None


def _place(text: str, position: int) -> tuple[int, int]:
    """Line and column (from 1) of a position."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _piece_by_piece(text: str, faults: Faults) -> Table | None:
    """What can be read of each section alone, for a document that cannot be read as a whole (whose fault is noted)."""
    whole, table = list(faults.found), Table(1, 1)
    faults.found.clear()
    starts = [found.start() for found in _SECTION.finditer(text)][:MOST_NODES]
    for start, end in pairwise([*starts, len(text)]):
        root, _sound = _parse(text[start:end], faults, _place(text, start)[0] - 1)
        if isinstance(root, Table):
            table.entries += root.entries
        if faults.full:
            break
    if not faults.found:
        faults.found += whole
    return table if table.entries else None


def _parse(text: str, faults: Faults, above: int = 0) -> tuple[Node | None, bool]:
    """The root of a document and whether its syntax is sound. `above` lines stand above the text."""
    building = _Building(faults, above)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            building.take(event)
    except _EnoughError:
        return building.root, True
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = text.rstrip().split("\n")
        line, column = (mark.line, mark.column) if mark else (0, 0)
        if line >= len(lines):  # the end of the text: nobody looks below its last line
            line, column = len(lines) - 1, len(lines[-1])
        faults.add(line + 1 + above, column + 1, _syntax(error, above))
        return building.root, False
    except yaml.YAMLError as error:
        faults.add(above + 1, 1, f"This is not YAML: {short(str(error))}.")
        return building.root, False
    return building.root, True


def _syntax(error: yaml.MarkedYAMLError, above: int) -> str:
    """What the parser found, in a sentence."""
    found = (error.problem or "it cannot be read").replace("'", "")
    if found.startswith("did not find expected "):
        found = f"{found.removeprefix('did not find expected ')} is missing here"
    within = ""
    if error.context and error.context_mark:
        what = next((name for words, name in _THINGS.items() if words in error.context), "part")
        within = f", in the {what} that begins on line {error.context_mark.line + 1 + above}"
    return f"This is not YAML: {found}{within}. Look at the indentation, the colons, the quotes and the brackets."


_THINGS = {
    "flow sequence": "list in brackets",
    "flow mapping": "group in braces",
    "block mapping": "group of keys",
    "block collection": "list",
    "block sequence": "list",
    "quoted scalar": "quoted text",
    "simple key": "key",
}


class _Building:
    """A tree that grows event by event."""

    def __init__(self, faults: Faults, above: int) -> None:
        self.root: Node | None = None
        self.faults = faults
        self.above = above
        self.open: list[Items | Table] = []
        self.nodes = self.documents = 0

    def take(self, event: yaml.Event) -> None:
        """One event of the parser."""
        mark = event.start_mark
        line, column = (mark.line + 1 + self.above, mark.column + 1) if mark else (self.above + 1, 1)
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self.faults.add(line, column, "A second document begins here (---). The file holds one.")
                    raise _EnoughError
            case yaml.AliasEvent():
                self.faults.add(
                    line, column, f"*{short(event.anchor or '')} is an alias. Write the value out, without & and *."
                )
                self.put(Blank(line, column))
            case yaml.ScalarEvent():
                self.plainly(event, line, column)
                self.put(Scalar(line, column, event.value, bare=event.style is None or event.style == ""))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self.plainly(event, line, column)
                self.begin(Items(line, column) if isinstance(event, yaml.SequenceStartEvent) else Table(line, column))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self.open.pop()

    def plainly(self, event: yaml.NodeEvent, line: int, column: int) -> None:
        """Notes what makes a value more than it looks."""
        if event.anchor:
            self.faults.add(line, column, f"&{short(event.anchor)} is an anchor. Write the value out, without & and *.")
        tag = getattr(event, "tag", None)
        if tag:
            self.faults.add(line, column, f"{short(_tag(tag))} is a tag. Write the value alone.")

    def begin(self, node: Items | Table) -> None:
        """Goes one level deeper."""
        self.put(node)
        self.open.append(node)
        if len(self.open) > DEEPEST:
            self.faults.add(
                node.line, node.column, f"This is nested more than {DEEPEST} levels deep. The file needs 3."
            )
            raise _EnoughError

    def put(self, node: Node) -> None:
        """Adds a node where the last one left off."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self.faults.add(node.line, node.column, f"The file has more than {MOST_NODES:,} values.")
            raise _EnoughError
        match self.open[-1] if self.open else None:
            case None:
                self.root = node
            case Items() as place:
                place.items.append(node)
            case Table() as place if place.waiting is None:
                place.waiting = node
            case Table() as place if place.waiting is not None:
                place.entries.append((place.waiting, node))
                place.waiting = None


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
