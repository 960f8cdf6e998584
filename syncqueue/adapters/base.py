"""The port between the queue and an upstream: what is handed to an adapter, and what it says happened.

An adapter turns a Change into requests, and the answers into one of five outcomes:

    Delivered   the upstream has it (by this attempt, or by an earlier one whose answer was lost)
    RetryAt     not now; says whether the item, the connection or the whole upstream is the reason
    Conflicted  somebody else wrote in between; carries what the upstream has now
    Rejected    the upstream will never take this as it stands
    Unknown     it may have been applied: the answer was lost after the request was sent

Nothing here knows Django, the database or the clock's time of day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, Protocol

from yarl import URL

from portal.kit.masking import mask_headers, mask_text
from resilience.outbound.client import Client

Operation = Literal["create", "update", "delete"]
Form = Literal["merge-patch", "document"]
How = Literal["sent", "own write recognised", "already gone", "equal"]

EXTRACT_BYTES = 2_048
# What these say is made by the adapter or the connection and holds no secret: not searched, since this runs for each attempt.
_PLAIN = frozenset(
    {
        "Accept",
        "Cache-Control",
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "ETag",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Last-Modified",
        "Retry-After",
        "Server",
    }
)


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing at an upstream, as the upstream names it."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Change:
    """One item of the queue, as an adapter needs it."""

    item_id: str
    idempotency_key: str
    entity_type: str
    entity_id: str
    operation: Operation
    payload: Any = field(repr=False)
    form: Form = "merge-patch"
    version: str | None = None
    """The version that the change was made on, as the upstream gave it (an ETag with its quotes); None when it is unknown."""
    attempt: int = 1
    outcome_unknown: bool = False
    """An earlier attempt may have reached the upstream."""
    last_writer_wins: bool = False
    base: Any | None = field(default=None, repr=False)
    """The document that the change was made on, as the client knows it: to tell a conflict by, never to be written back (it may be
    older than `version`, when earlier changes of the same client moved the entity on, and it may lack fields)."""

    @property
    def entity(self) -> Entity:
        """What the change is about."""
        return Entity(self.entity_type, self.entity_id)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Target:
    """An upstream, as an adapter needs it. Keep one per upstream and reuse it: adapters prepare its routes once."""

    address: str
    routes: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 10.0
    version_mode: str = "etag"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, for the attempt's record. What is masked is made only when it is asked for (`record`)."""

    method: str
    address: URL | str
    seconds: float
    status: int | None = None
    error: str = ""
    sent: bytes = field(default=b"", repr=False)
    sent_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    received_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    received: bytes = field(default=b"", repr=False)

    def record(self) -> dict[str, Any]:
        """The exchange as JSON that can be kept and shown: secrets masked, bodies as a digest or a short extract."""
        return {
            "method": self.method,
            "url": self.url,
            "request_headers": _masked(self.sent_headers),
            "request_size": len(self.sent),
            "request_digest": self.request_digest,
            "status": self.status,
            "answer_headers": _masked(self.received_headers),
            "answer_size": len(self.received),
            "answer_extract": self.answer_extract,
            "seconds": round(self.seconds, 6),
            "error": mask_text(self.error) if self.error else "",
        }

    @property
    def url(self) -> str:
        """Where it was sent, with secrets in the query masked."""
        return mask_text(str(self.address))

    @property
    def request_digest(self) -> str:
        """The SHA-256 of the request's body; empty without one."""
        return sha256(self.sent).hexdigest() if self.sent else ""

    @property
    def answer_extract(self) -> str:
        """The first 2 KB of the answer as masked text; what is no UTF-8 is shown as replacement characters, NUL is dropped."""
        if not self.received:
            return ""
        text = self.received[:EXTRACT_BYTES].decode("utf-8", "replace").replace("\x00", "")
        return mask_text(text)


def _masked(headers: Mapping[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in headers.items() if name in _PLAIN}
    return plain | mask_headers({name: value for name, value in headers.items() if name not in _PLAIN})


@dataclass(frozen=True, slots=True)
class Delivered:
    """The upstream has the change."""

    version: str | None
    """What the next change is to be made on; None when it could not be learned."""
    document: Any | None = field(repr=False)
    """The document as it is at the upstream now, without what wraps it; None when it could not be learned (or it is deleted)."""
    how: How
    exchanges: Sequence[Exchange] = ()
    reason: str = ""
    """What is noteworthy about it, for people; empty when all went as usual."""
    base: Any | None = field(default=None, repr=False)
    """What the upstream had before, where the adapter had to fetch it."""
    base_version: str | None = None
    """The version of `base`."""
    backoff: float | None = None
    """Seconds that the upstream asks to be spared although it took the change (`Backoff`, `Retry-After`)."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Not delivered now; to be tried again."""

    reason: str
    code: str
    retry_after: float | None = None
    """Seconds that the upstream asks for; None leaves it to the backoff."""
    transport: bool = False
    """The connection or a gateway failed, not the item: it counts towards the upstream's gate."""
    upstream_wide: bool = False
    """Every item of this upstream would meet the same: the upstream waits, and the item loses no attempt."""
    exchanges: Sequence[Exchange] = ()
    status: int | None = None
    outcome_unknown: bool = False
    """An answer came that leaves open whether the change was applied (500, 502, 504): the next attempt is told so."""


@dataclass(frozen=True, slots=True)
class Conflicted:
    """Somebody else changed the entity since the version that this change was made on."""

    remote: Any | None = field(repr=False)
    """The document that the upstream has now, without the fields that it sets itself; None when it has none any more."""
    remote_version: str | None
    reason: str
    exchanges: Sequence[Exchange] = ()
    status: int | None = None
    changed_at: datetime | None = None
    """When the upstream's document was changed, by its Last-Modified; None when it does not say."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The upstream does not take the change as it stands: sending it again would not help."""

    reason: str
    code: str
    status: int | None = None
    exchanges: Sequence[Exchange] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request was sent and its answer was lost: it may have been applied. The connection failed, as with RetryAt.transport."""

    reason: str
    code: str
    exchanges: Sequence[Exchange] = ()
    retry_after: float | None = None
    transport: bool = True
    upstream_wide: bool = False
    status: int | None = None


Outcome = Delivered | RetryAt | Conflicted | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class Fetched:
    """An entity as the upstream has it."""

    document: Any = field(repr=False)
    """Without the fields that the upstream sets itself."""
    version: str | None
    exchanges: Sequence[Exchange] = ()
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """The upstream has no such entity (or has it no more)."""

    exchanges: Sequence[Exchange] = ()
    status: int | None = None


class Adapter(Protocol):
    """What an upstream's kind of interface needs."""

    name: str

    def validate(self, routes: Any, *, version: Any = "etag") -> None:
        """Raises Invalid, with pointers from the upstream's root (/routes/plan/path), for what cannot be used."""

    async def deliver(self, client: Client, target: Target, change: Change) -> Outcome:
        """What became of the change; never raises for what an upstream does."""

    async def fetch(self, client: Client, target: Target, entity: Entity) -> Fetched | Gone | RetryAt | Rejected:
        """The entity as the upstream has it now."""
