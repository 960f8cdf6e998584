"""Which events are a reason to ask at once whether a reader may still read, before the next heartbeat does."""

from portal.kit.viewer import Viewer
from portal.live.core.entries import Entry

OF_PEOPLE = ("account.signed_out", "account.password_", "account.switched_off")
OF_MEMBERS = ("member.added", "member.removed", "member.role_changed")
OF_TOKENS = ("token.revoked",)
VERBS = (*OF_PEOPLE, *OF_MEMBERS, *OF_TOKENS)


def concerns(entry: Entry, viewer: Viewer) -> bool:
    """Whether this event may have ended what `viewer` reads by."""
    name = entry.subject.partition(":")[2]
    if entry.verb.startswith(OF_PEOPLE):
        return name == str(viewer.user_id)
    if entry.verb.startswith(OF_MEMBERS):
        return bool(entry.read_data().get("user") == viewer.name)
    return entry.verb.startswith(OF_TOKENS) and name == str(viewer.token_id)
