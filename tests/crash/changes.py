"""What the crash test sends, and the judgement on what the upstream then really did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncqueue.adapters.documents import apply_patch
from tests.support.history import Write

MANAGED = ("id", "last_modified", "schema")


@dataclass(frozen=True, slots=True)
class Change:
    """The `n`th change (from 1) of an entity."""

    entity: str
    entity_type: str
    n: int
    operation: str
    form: str

    def body(self) -> dict[str, Any]:
        """Return it as the REST API takes it."""
        payload = {"title": f"{self.entity} {self.n}", "n": self.n, f"field_{self.n}": "x" * 100}
        return {
            "upstream": "plans-api",
            "kind": "plan_edit",
            "entity_type": self.entity_type,
            "entity_id": self.entity,
            "operation": self.operation,
            "idempotency_key": f"{self.entity}/{self.n}",
            **({} if self.operation == "delete" else {"payload": payload, "form": self.form}),
        }


def changes(entities: int, each: int) -> Iterator[Change]:
    """Yield `each` changes for every entity, dealt out in turn.

    The first creates; the others update by document or merge patch in turn; for one entity in ten the last one deletes. Half
    of the entities go out with PUT alone (`plan`), half with PATCH where it fits (`memo`).
    """
    for n in range(1, each + 1):
        for index in range(entities):
            operation = "create" if n == 1 else "delete" if n == each and index % 10 == 0 else "update"
            form = "document" if n == 1 or (n + index) % 3 == 0 else "merge-patch"
            yield Change(f"e-{index}", "memo" if index % 2 else "plan", n, operation, form)


def faults(sent: Sequence[Change], writes: Mapping[str, Sequence[Write]]) -> list[str]:
    """Return one line for each entity whose writes at the upstream are not exactly what was sent, in that order."""
    expected: dict[str, list[str]] = {}
    for change in sent:
        expected.setdefault(change.entity, []).append(_word(change.operation, change.n))
    lines = []
    for entity, wanted in expected.items():
        done = [_word(write.action, write.data.get("n")) for write in writes.get(entity, ())]
        if done != wanted:
            lines.append(f"{entity}: {_difference(wanted, done)}")
    lines += [f"{entity}: nobody asked for it" for entity in writes if entity not in expected]
    return lines


def joined_faults(sent: Sequence[Change], writes: Mapping[str, Sequence[Write]]) -> list[str]:
    """Return one line for each entity that is not what its changes make of it, or whose writes came out of order."""
    wanted: dict[str, Any] = {}
    for change in sent:
        payload = change.body().get("payload")
        patched = change.operation == "update" and change.form == "merge-patch"
        wanted[change.entity] = apply_patch(wanted[change.entity], payload) if patched else payload
    lines = []
    for entity, document in wanted.items():
        done = list(writes.get(entity, ()))
        gone = not done or done[-1].action == "delete"
        here = None if gone else {name: value for name, value in done[-1].data.items() if name not in MANAGED}
        numbers = [write.data["n"] for write in done if write.action != "delete"]
        if here != document:
            lines.append(f"{entity}: it is {here}, not {document}")
        if numbers != sorted(set(numbers)):
            lines.append(f"{entity}: out of order or twice: {numbers}")
    return lines + [f"{entity}: nobody asked for it" for entity in writes if entity not in wanted]


def _word(action: str, n: int | None) -> str:
    return "delete" if action == "delete" else f"{action} {n}"


def _difference(wanted: Sequence[str], done: Sequence[str]) -> str:
    lost = [word for word in wanted if word not in done]
    twice = sorted({word for word in done if done.count(word) > 1})
    odd = [word for word in done if word not in wanted]
    parts = {"lost": lost, "twice": twice, "not asked for": odd}
    said = [f"{name} {', '.join(words)}" for name, words in parts.items() if words]
    return "; ".join(said) or f"out of order: {', '.join(done)}"
