"""Testing an upstream at once, since it is reached in another way now."""

from django.utils.translation import gettext as _

from resilience.breakers.core import shared
from resilience.breakers.store import Store, Why


def restart(upstream_id: int) -> None:
    """The upstream is tried at once: what was known of its being out or wanting rest was about another address or credentials."""
    store = Store()
    store.ensure([upstream_id])
    why = _("reached in another way")
    store.move(upstream_id, lambda known, now: shared.restarted(known, now, reason=why), Why("restart"))
