"""The same work for every runner: changes with a number per entity, so that the sink can judge order and duplicates."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PADDING = "Breakwater keeps a change until the upstream has it, once and in order. " * 64


@dataclass(frozen=True, slots=True)
class Change:
    """The `n`th change (from 1) of one entity."""

    entity: str
    n: int
    payload: dict[str, Any]


def changes(count: int, *, entities: int, size: int = 1024) -> Iterator[Change]:
    """Yield `count` changes of about `size` bytes of JSON, dealt out to the entities in turn."""
    for index in range(count):
        entity, n = f"p-{index % entities}", index // entities + 1
        payload = {"body": "", "n": n, "title": f"Plan {entity}"}
        spare = size - len(f'{{"body":"","n":{n},"title":"Plan {entity}"}}')
        payload["body"] = PADDING[: max(0, spare)]
        yield Change(entity, n, payload)
