"""The adapter for JSON over HTTP with entity tags ("json-http").

How a change is delivered:

1. **Look** (GET), only where it is needed: the version is unknown; the whole document is needed (a patch where only PUT is taken,
   or the other way round); or an earlier attempt may have arrived and no condition would catch it.
2. **Decide** on what was seen: the change is there already (our own write, or an equal one), somebody else changed it, or go on.
3. **Write** once, with a condition (`If-Match`, `If-None-Match: *`) and the Idempotency-Key.
4. **Judge** the answer. A success gives the new version, by another look when the answer has none. A 409 or 412 is first held
   against what we sent: a lost answer makes the retry fail so although nobody else wrote.

Decisions that are not obvious:

- Last-writer-wins changes are sent without a condition, except where the whole document had to be put together from what was seen.
- 404 to an update is a conflict when we know that the entity was there (version or base), and a rejection when we never saw it.
- The client's base is never written back: a PUT of a patch is put together from what a look saw, under that look's version.
- A 2xx counts as delivered even when its body cannot be read: the status is the upstream's word. The reason says so.
- A version learned by a look after the write counts only if what we wrote still stands there; else the next change looks first.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from portal.kit import clock
from portal.kit.errors import Invalid
from resilience.outbound.client import Answer, Client
from resilience.outbound.errors import OutboundError
from syncqueue.adapters.answers import failure, last_modified, read_json
from syncqueue.adapters.base import (
    Change,
    Conflicted,
    Delivered,
    Entity,
    Fetched,
    Gone,
    Outcome,
    Rejected,
    RetryAt,
    Target,
)
from syncqueue.adapters.documents import apply_patch, contains, make_patch, same, wire, without
from syncqueue.adapters.routes import Route, id_fault, route_of, validate
from syncqueue.adapters.talk import Ended, Present, Talk
from syncqueue.adapters.versions import entity_tag, is_weak, matches, strong_form

_LOOKS = 3


class JsonHttp:
    """Sends changes as JSON documents and merge patches, and keeps versions as entity tags."""

    name = "json-http"

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self._now = now

    def validate(self, routes: Any, *, version: Any = "etag") -> None:
        """Raises Invalid with a pointer to each part of the routes that cannot be used."""
        validate(routes, version)

    async def deliver(self, client: Client, target: Target, change: Change) -> Outcome:
        """What became of the change; see the steps above."""
        place = _place(target, change.entity)
        if isinstance(place, Rejected):
            return place
        return await _Delivery(client, target, place, change, self._now).run()

    async def fetch(self, client: Client, target: Target, entity: Entity) -> Fetched | Gone | RetryAt | Rejected:
        """The document and its version as the upstream has them now."""
        place = _place(target, entity)
        if isinstance(place, Rejected):
            return place
        talk = Talk(client, target, place, entity.id, self._now)
        try:
            present = await talk.look()
        except Ended as ended:
            return ended.outcome
        if present is None:
            return Gone(tuple(talk.exchanges), talk.exchanges[-1].status)
        document = without(present.document, place.managed)
        return Fetched(document, present.version, tuple(talk.exchanges), last_modified(talk.exchanges))


def _place(target: Target, entity: Entity) -> Route | Rejected:
    fault = id_fault(entity.id)
    if fault:
        return Rejected(fault, "entity-id")
    try:
        route = route_of(target, entity.type)
    except Invalid as error:
        return Rejected(f"The upstream's settings cannot be used: {error}", "settings")
    return route or Rejected(f"The upstream has no route for {entity.type}", "no-route")


class _Delivery:
    """One change on its way."""

    __slots__ = ("_change", "_conditional", "_if_match", "_needs_whole", "_present", "_route", "_talk", "_tries")

    def __init__(
        self, client: Client, target: Target, route: Route, change: Change, now: Callable[[], datetime]
    ) -> None:
        self._talk = Talk(client, target, route, change.entity_id, now)
        self._route = route
        self._change = change
        self._conditional = target.version_mode != "none" and not change.last_writer_wins
        self._if_match = change.version if self._conditional else None
        # A PUT carries the whole document, which a patch is not; and the other way round.
        self._needs_whole = change.operation == "update" and (route.update == "PATCH") == (change.form == "document")
        self._present: Present | None = None
        self._tries = 0

    async def run(self) -> Outcome:
        """Steps 1 to 4."""
        try:
            if self._must_look():
                return await self._look_and_go_on()
            return await self._write()
        except Ended as ended:
            return ended.outcome

    # 1. Look

    def _must_look(self) -> bool:
        change = self._change
        if change.operation == "create":
            return change.outcome_unknown and not self._conditional
        if self._conditional:
            return change.version is None or self._needs_whole
        if self._needs_whole:
            return True
        guarded_by_base = change.base is not None and not change.last_writer_wins
        return guarded_by_base or (change.outcome_unknown and change.operation == "update")

    async def _look_and_go_on(self) -> Outcome:
        self._tries += 1
        self._present = await self._talk.look()
        decided = self._on_missing() if self._present is None else self._on_present(self._present)
        return decided or await self._write()

    # 2. Decide

    def _on_missing(self) -> Outcome | None:
        change = self._change
        if change.operation == "delete":
            return self._delivered(None, None, "already gone")
        if change.operation == "create":
            return None
        if change.last_writer_wins and self._route.update == "PUT" and change.form == "document":
            return None
        return self._missing()

    def _missing(self) -> Outcome:
        change = self._change
        status = self._talk.exchanges[-1].status
        if not change.last_writer_wins and (change.version is not None or change.base is not None):
            return Conflicted(
                None, None, "It was deleted at the upstream since this change was made", self._talk.exchanges, status
            )
        return Rejected(
            "The upstream has nothing under this id that could be changed", "missing", status, self._talk.exchanges
        )

    def _on_present(self, present: Present) -> Outcome | None:
        change = self._change
        again = change.outcome_unknown or change.attempt > 1
        if again and self._is_there(present.document):
            return self._recognised(present)
        if change.operation == "create":
            return None
        if not change.last_writer_wins and self._was_changed(present):
            return self._recognised(present) if self._is_there(present.document) else self._conflict(present)
        if self._conditional or self._needs_whole:
            self._if_match = present.version
        return None

    def _was_changed(self, present: Present) -> bool:
        """Whether somebody else wrote since the version, or else the base, that the change was made on."""
        change, managed = self._change, self._route.managed
        if self._conditional and change.version is not None and present.version is not None:
            return not matches(change.version, present.version)
        return change.base is not None and not same(without(present.document, managed), without(change.base, managed))

    def _is_there(self, document: Any) -> bool:
        """Whether the document is what the change would make of it."""
        change = self._change
        if change.operation == "delete":
            return False
        if change.operation == "update" and change.form == "merge-patch":
            return same(apply_patch(document, change.payload), document)
        managed = self._route.managed
        return same(without(document, managed), without(change.payload, managed))

    # 3. Write

    async def _write(self) -> Outcome:
        change = self._change
        headers = {"Idempotency-Key": change.idempotency_key}
        body: bytes | None = None
        if change.operation == "delete":
            method = "DELETE"
        else:
            method = self._route.update if change.operation == "update" else "PUT"
            headers["Content-Type"] = (
                self._route.update_type if change.operation == "update" else self._route.create_type
            )
            try:
                body = wire(self._route.wrap(self._content()))
            except ValueError as error:
                return Rejected(str(error), "not-expressible", None, self._talk.exchanges)
        if self._if_match is not None:
            headers["If-Match"] = strong_form(self._if_match)
        elif change.operation == "create" and self._conditional:
            headers["If-None-Match"] = "*"
        try:
            answer = await self._talk.send(method, headers, body)
            if answer.status == 412 and self._if_match is not None and is_weak(self._if_match):
                answer = await self._weakly(answer, method, headers, body)
        except OutboundError as error:
            return failure(error, self._talk.exchanges)
        return await self._judge(answer)

    async def _weakly(self, answer: Answer, method: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """The answer to the same request with the weak version letter by letter, where nobody else wrote meanwhile."""
        present = await self._now_there(answer)
        if self._if_match is None or not present or not matches(present.version, self._if_match):
            return answer
        if self._is_there(present.document):
            return answer
        return await self._talk.send(method, {**headers, "If-Match": self._if_match}, body)

    def _content(self) -> Any:
        """The document or the patch that is sent; raises ValueError when a patch cannot say it."""
        change = self._change
        if not self._needs_whole:
            return change.payload
        known = self._present.document if self._present else None
        old = without(known, self._route.managed)
        if change.form == "merge-patch":
            return without(apply_patch(old, change.payload), self._route.managed)
        new = without(change.payload, self._route.managed)
        patch = make_patch(old, new)
        if not same(apply_patch(old, patch), new):
            raise ValueError("A merge patch cannot write the null values of this document")
        return patch

    # 4. Judge

    async def _judge(self, answer: Answer) -> Outcome:
        change, status = self._change, answer.status
        if answer.ok:
            return await self._on_success(answer)
        if status in (409, 412):
            return await self._on_conflict(answer)
        if status in (404, 410) and change.operation != "create":
            return (
                self._delivered(None, None, "already gone", answer) if change.operation == "delete" else self._missing()
            )
        if status == 428:
            return await self._on_required(answer)
        return self._talk.refusal(answer)

    async def _on_success(self, answer: Answer) -> Outcome:
        if self._change.operation == "delete":
            return self._delivered(None, None, "sent", answer)
        given = answer.headers.get("ETag")
        version = entity_tag(given)
        notes: list[str] = []
        if answer.status == 202:
            notes.append("The upstream took it to be done later (202)")
        if given and version is None:
            notes.append("The upstream's ETag is no entity tag, so it was not kept")
        document = self._document_of(answer, notes)
        if version is None:
            found = await self._look_after(notes)
            if found:
                version, document = found.version, found.document
        return self._delivered(version, document, "sent", answer, ". ".join(notes))

    def _document_of(self, answer: Answer, notes: list[str]) -> Any | None:
        """What the upstream has now, by its answer, or by what was sent under a condition; None when that is not certain."""
        if answer.body or answer.fault:
            try:
                document = self._route.unwrap(read_json(answer))
            except ValueError as error:
                notes.append(
                    f"It counts as delivered by its status {answer.status}, although the answer cannot be read: {error}"
                )
            except LookupError:
                pass
            else:
                return document
        change = self._change
        if change.form == "document" or change.operation == "create":
            return change.payload
        if self._present is None or self._if_match is None:
            return None
        return apply_patch(self._present.document, change.payload)

    async def _look_after(self, notes: list[str]) -> Present | None:
        """What the upstream has after our write, if it is still ours. That the look fails does not undo the delivery."""
        if not self._conditional:
            return None
        try:
            present = await self._talk.look()
        except Ended as ended:
            notes.append(f"Its new version could not be learned: {ended.outcome.reason}")
            return None
        if present is None or not self._still_ours(present.document):
            notes.append("Its new version could not be learned: somebody else wrote at once after it")
            return None
        return present

    def _still_ours(self, document: Any) -> bool:
        change = self._change
        if change.operation == "update" and change.form == "merge-patch":
            return self._is_there(document)
        return contains(document, without(change.payload, self._route.managed))

    async def _on_conflict(self, answer: Answer) -> Outcome:
        present = await self._now_there(answer)
        if present is None:
            return self._nothing_there(answer)
        if self._is_there(present.document):
            return self._recognised(present)
        if self._if_match is not None and matches(present.version, self._if_match):
            return self._unchanged(answer)
        overtaken = answer.status == 412 and self._present is not None and not self._was_changed_since_made(present)
        if overtaken and self._tries < _LOOKS:
            return await self._look_and_go_on()
        return self._conflict(present, answer.status)

    def _nothing_there(self, answer: Answer) -> Outcome:
        match self._change.operation:
            case "delete":
                return self._delivered(None, None, "already gone", answer)
            case "update":
                return self._missing()
            case "create":
                reason = "The upstream says that it exists, and has nothing under this id"
                return self._later(reason, "changed-meanwhile", answer)

    def _was_changed_since_made(self, present: Present) -> bool:
        return not self._change.last_writer_wins and (self._change.version is not None or self._was_changed(present))

    async def _now_there(self, answer: Answer) -> Present | None:
        """What the upstream has, from the refusal itself (`details.existing`, as Kinto sends it) or by a look."""
        try:
            existing = read_json(answer)["details"]["existing"]
        except (ValueError, LookupError, TypeError):
            existing = None
        version = entity_tag(answer.headers.get("ETag"))
        if isinstance(existing, dict) and version:
            return Present(existing, version)
        return await self._talk.look()

    def _unchanged(self, answer: Answer) -> Outcome:
        """A refusal although the upstream still has the version that the change was made on: there is no conflict to settle."""
        if answer.status == 412 and self._if_match and is_weak(self._if_match):
            reason = (
                'The upstream gives weak versions (W/"…") and refuses them as a condition. '
                "Let it give strong ones, or set its versions to none"
            )
            return Rejected(reason, "weak-version", 412, self._talk.exchanges)
        reason = f"The upstream refused the change ({answer.status}) although nobody changed the entity"
        return self._later(reason, "refused-unchanged", answer)

    async def _on_required(self, answer: Answer) -> Outcome:
        """428: the upstream wants a condition. It gets the version that it has now, once."""
        if self._present is None and self._change.operation != "create":
            self._conditional = True
            return await self._look_and_go_on()
        reason = "The upstream wants a version with each change (428), and gives none that could be sent"
        return Rejected(reason, "version-required", 428, self._talk.exchanges)

    # Outcomes

    def _delivered(
        self, version: str | None, document: Any, how: Any, answer: Answer | None = None, reason: str = ""
    ) -> Delivered:
        before = self._present
        return Delivered(
            version,
            self._plain(document),
            how,
            self._talk.exchanges,
            reason,
            base=self._plain(before.document) if before else None,
            base_version=before.version if before else None,
            backoff=self._talk.wait(answer) if answer else None,
        )

    def _recognised(self, present: Present) -> Delivered:
        again = self._change.outcome_unknown or self._change.attempt > 1
        reason = (
            "The upstream has it already, from an earlier attempt whose answer was lost"
            if again
            else "The upstream already had what this change says"
        )
        return Delivered(
            present.version,
            self._plain(present.document),
            "own write recognised" if again else "equal",
            self._talk.exchanges,
            reason,
        )

    def _conflict(self, present: Present, status: int | None = None) -> Conflicted:
        reason = (
            "There is something else under this id already"
            if self._change.operation == "create"
            else "Somebody else changed it since this change was made"
        )
        return Conflicted(
            self._plain(present.document),
            present.version,
            reason,
            self._talk.exchanges,
            status,
            last_modified(self._talk.exchanges),
        )

    def _plain(self, document: Any) -> Any:
        """The document without what the upstream sets itself."""
        return without(document, self._route.managed)

    def _later(self, reason: str, code: str, answer: Answer) -> RetryAt:
        return RetryAt(reason, code, self._talk.wait(answer), exchanges=self._talk.exchanges, status=answer.status)
