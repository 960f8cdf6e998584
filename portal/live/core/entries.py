"""What travels from the log to a page: an entry in, a message out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as the tail read it; `data` is its JSON text."""

    id: int
    at: datetime
    organization_id: int | None
    actor: str
    verb: str
    subject: str
    data: str

    def read_data(self) -> dict[str, Any]:
        """The event's data; {} when there are none."""
        kept: dict[str, Any] = json.loads(self.data) if self.data else {}
        return kept


@dataclass(frozen=True)
class Message:
    """One message about one topic, encoded once for all who get it. `id` is where a client resumes; None changes nothing of that."""

    topic: str
    id: int | None
    text: str

    @classmethod
    def of(cls, topic: str, position: int | None, data: Mapping[str, Any]) -> "Message":
        """A message whose data are written as JSON on one line."""
        return cls(topic, position, json.dumps(data, separators=(",", ":"), ensure_ascii=False))

    @cached_property
    def without_id(self) -> "Message":
        """The same message, after which a client resumes where it did before."""
        return Message(self.topic, None, self.text)

    @cached_property
    def as_event(self) -> bytes:
        """The message as a server-sent event."""
        numbered = "" if self.id is None else f"id: {self.id}\n"
        return f"event: {self.topic}\n{numbered}data: {self.text}\n\n".encode()

    @cached_property
    def as_frame(self) -> str:
        """The message as the text of a WebSocket frame."""
        numbered = "" if self.id is None else f'"id":"{self.id}",'
        return f'{{"topic":"{self.topic}",{numbered}"data":{self.text}}}'


def together(messages: Sequence[Message]) -> list[Message]:
    """Messages that are told in one go: only the last has an id, that of the one which knows least, so that a client which is cut off
    between them misses none."""
    if len(messages) < 2:
        return list(messages)
    *others, last = messages
    oldest = min((message.id for message in messages if message.id is not None), default=None)
    return [*(message.without_id for message in others), last if last.id == oldest else replace(last, id=oldest)]
