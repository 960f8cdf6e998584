"""What travels from the log to a page: an entry in, a message out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
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
    """One message about one topic, encoded once for all who get it. `id` is where a client resumes."""

    topic: str
    id: int
    text: str

    @classmethod
    def of(cls, topic: str, position: int, data: Mapping[str, Any]) -> "Message":
        """A message whose data are written as JSON on one line."""
        return cls(topic, position, json.dumps(data, separators=(",", ":"), ensure_ascii=False))

    @cached_property
    def as_event(self) -> bytes:
        """The message as a server-sent event."""
        return f"event: {self.topic}\nid: {self.id}\ndata: {self.text}\n\n".encode()

    @cached_property
    def as_frame(self) -> str:
        """The message as the text of a WebSocket frame."""
        return f'{{"topic":"{self.topic}","id":"{self.id}","data":{self.text}}}'
