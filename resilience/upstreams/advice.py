"""What is said to whoever gives or tests an address that is refused."""

from django.utils.translation import gettext as _


def how_to_allow(opening: str) -> str:
    """A sentence on how to open a refused address, by the network that would have to be allowed; empty where nobody is advised to."""
    return _("Whoever runs Breakwater can allow it: BREAKWATER_ALLOWED_NETWORKS=%s.") % opening if opening else ""
