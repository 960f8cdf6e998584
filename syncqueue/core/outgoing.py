"""What goes out instead of an item's own payload: because it stands for others, or because it was merged with what the upstream had.

The item keeps what was taken in; this is written beside it, and `checksum` covers both.
"""

from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from portal.kit import jsontext


@dataclass(frozen=True, slots=True)
class Part:
    """A change as it is sent. `payload` is a JSON value. `nothing`: there is nothing to send, the upstream has it already."""

    operation: str
    form: str
    payload: Any
    version: str = ""
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`merged` comes before `joined`: the first is a document for one version of the upstream, the second a change like any other."""

    joined: Part | None = None
    merged: Part | None = None

    @property
    def sent(self) -> Part | None:
        """What is sent; None when the item is sent as it is."""
        return self.merged or self.joined

    def without_merge(self) -> "Outgoing":
        """The same before anything was merged into it."""
        return replace(self, merged=None)

    def dump(self) -> str:
        """The text for the item's column; "" for nothing special."""
        return jsontext.dump({name: part for name, part in asdict(self).items() if part}) if self.sent else ""


def load(text: str) -> Outgoing:
    """What a text of `dump` says."""
    if not text:
        return NOTHING
    return Outgoing(**{name: Part(**part) for name, part in jsontext.load(text).items()})


def key_for(key: str, text: str) -> str:
    """The Idempotency-Key to send it with: another body under the same key would be answered with what was said of the first one."""
    return f"{key}.{sha256(text.encode()).hexdigest()[:12]}" if text else key


NOTHING = Outgoing()
