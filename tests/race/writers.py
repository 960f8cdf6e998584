"""The writers of the race: devices that hand their edits to Breakwater, and somebody who writes to the upstream directly."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.db import connection

from portal.kit.viewer import Viewer
from syncqueue.actions.enqueue import enqueue
from syncqueue.adapters.documents import make_patch
from syncqueue.core.change import MISSING, NewChange
from syncqueue.core.states import OPEN_BELOW
from syncqueue.models import Item
from tests.race.edits import Document, edited, marks
from tests.support.kinto import Kinto

MANAGED = ("id", "last_modified", "schema")
HOT = 8
"""Half of all edits go to so many of the records: there the writers really meet."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit that was taken: its mark, and the marks that its writer saw and knowingly took away."""

    mark: str
    record: str
    removed: frozenset[str]


@dataclass
class Writer(threading.Thread):
    """Edits records until it is told to stop. `edits` is its ledger, `error` what ended it too early."""

    label: str
    records: list[str]
    rng: Random
    stop: threading.Event
    pause: float
    edits: list[Edit] = field(default_factory=list)
    error: BaseException | None = None
    begun: float = 0.0
    count: int = 0

    def __post_init__(self) -> None:
        super().__init__(name=self.label, daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Edit, rest, and again."""
        self.begun = time.monotonic()
        try:
            while not self.stop.is_set():
                self.act(self.rng.choice(self.records[:HOT] if self.rng.random() < 0.5 else self.records))
                self.stop.wait(self.rng.uniform(0, 2 * self.pause))
        except BaseException as error:  # noqa: BLE001  # told by the main thread
            self.error = error
        finally:
            connection.close()

    def act(self, record: str) -> None:
        """Edit this record."""
        raise NotImplementedError

    def edited(self, document: Document) -> tuple[Document, str]:
        """The document after an edit, and the edit's mark."""
        self.count += 1
        mark = f"mark-{self.label}-{self.count}"
        return edited(document, self.rng, mark, second=int(time.monotonic() - self.begun)), mark

    def note(self, record: str, mark: str, before: Document, after: Document) -> None:
        """Writes an edit down that was taken."""
        old, new = marks(before), marks(after)
        self.edits.append(Edit(mark if mark in new else "", record, frozenset(old - new)))


@dataclass
class Colleague(Writer):
    """Writes to Kinto itself, as everybody there should: with If-Match, and anew when somebody was faster."""

    kinto: Kinto = field(kw_only=True)
    refused: int = 0

    __hash__ = threading.Thread.__hash__

    def act(self, record: str) -> None:
        """One edit, tried until it is taken."""
        for _ in range(100):
            found = self.kinto.get(record)
            assert found is not None
            before = plain(found)
            after, mark = self.edited(before)
            if self.put(record, after, version_of(found)):
                self.note(record, mark, before, after)
                return
            self.refused += 1

    def put(self, record: str, document: Document, version: str) -> bool:
        """Whether Kinto took it."""
        status, body = self.kinto.call(
            "PUT", self.kinto.path.format(id=record), {"data": document}, {"If-Match": version}
        )
        assert status in (200, 412), body
        return status == 200


@dataclass
class Copy:
    """A record as a device has it: as it was fetched, and as its own edits made it."""

    base: Document
    version: str
    mine: Document


@dataclass
class Device(Writer):
    """Edits its own copies and hands each edit over as a change made on what it once fetched.

    It looks at the upstream again only when nothing of its own waits there, and often not even then, as a device that is offline.
    """

    kinto: Kinto = field(kw_only=True)
    viewer: Viewer = field(kw_only=True)
    entity_type: Callable[[str], str] = field(kw_only=True)
    says_base: bool = True
    copies: dict[str, Copy] = field(default_factory=dict)

    __hash__ = threading.Thread.__hash__

    def act(self, record: str) -> None:
        """Up to four edits on one copy, each a change of its own."""
        copy = self.copy_of(record)
        for _ in range(self.rng.randint(1, 4)):
            after, mark = self.edited(copy.mine)
            patch = make_patch(copy.mine, after)
            if patch:
                self.hand_over(record, copy, patch)
                self.note(record, mark, copy.mine, after)
                copy.mine = after

    def hand_over(self, record: str, copy: Copy, patch: Any) -> None:
        """Give the change to the queue."""
        change = NewChange(
            kind="plan_edit",
            upstream="plans-api",
            entity_type=self.entity_type(record),
            entity_id=record,
            operation="update",
            payload=patch,
            base=copy.base if self.says_base else MISSING,
            base_version=copy.version,
            client_id=self.label,
        )
        enqueue(viewer=self.viewer, changes=[change])

    def copy_of(self, record: str) -> Copy:
        """Its copy, fetched anew now and then."""
        known = self.copies.get(record)
        if known is None or (self.rng.random() < 0.4 and not self.waits(record)):
            found = self.kinto.get(record)
            assert found is not None
            self.copies[record] = known = Copy(plain(found), version_of(found), plain(found))
        return known

    def waits(self, record: str) -> bool:
        """Whether something of its own is not delivered yet."""
        own = Item.objects.unscoped().filter(lane__entity_id=record, client_id=self.label, state__lt=OPEN_BELOW)
        return own.exists()


def plain(found: Document) -> Document:
    """The document without what Kinto adds."""
    return {name: value for name, value in json.loads(json.dumps(found)).items() if name not in MANAGED}


def version_of(found: Document) -> str:
    """Kinto's ETag of a record."""
    return f'"{found["last_modified"]}"'
