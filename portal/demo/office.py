"""Somebody who sits at the upstream and edits plans there, past Breakwater, as a good client of it: with If-Match."""

from collections.abc import Callable
from random import Random
from uuid import uuid4

from portal.demo import state
from portal.demo.cast import SENDERS
from portal.demo.plans import Document
from portal.demo.stories import ILAN, ROSA, everyday_edit
from portal.demo.upstream import call

Look = Callable[[str, str], tuple[Document, str] | None]
MANAGED = ("id", "last_modified", "schema")
AUTHORS = {"tidewater": ILAN, "northlight": ROSA}


class Office:
    """Reads and writes the plans of the demo's upstream. Nothing happens while it cannot be reached."""

    def look(self, organization: str, key: str) -> tuple[Document, str] | None:
        """A plan with its version; None when it is not there, or the upstream is not."""
        try:
            status, body = call(server(), "GET", place(organization, key))
        except OSError:
            return None
        if status != 200:
            return None
        data = body["data"]
        document = {name: value for name, value in data.items() if name not in MANAGED}
        return document, f'"{data["last_modified"]}"'

    def write(self, organization: str, key: str, document: Document, version: str) -> bool:
        """Whether the upstream took it; it does not when somebody was faster."""
        try:
            status, _body = call(server(), "PUT", place(organization, key), {"data": document}, **{"If-Match": version})
        except OSError:
            return False
        return status == 200

    def everyday_edit(self, rng: Random) -> None:
        """A comment or another due date, in a plan that devices work on."""
        sender = rng.choice([sender for sender in SENDERS if "step" in sender.does])
        key = rng.choice(sender.plans)
        found = self.look(sender.organization, key)
        if found:
            changed = everyday_edit(found[0], AUTHORS[sender.organization], rng.choice, f"c-{uuid4().hex[:8]}")
            self.write(sender.organization, key, changed, found[1])


def server() -> str:
    """Where the demo's upstream answers."""
    return f"http://127.0.0.1:{state.read()['port']}/v1"


def place(organization: str, key: str) -> str:
    """The record of a plan."""
    return f"/buckets/{organization}/collections/plans/records/{key}"
