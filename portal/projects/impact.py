"""What an outage means for plans."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit.viewer import Viewer
from portal.projects.models import Plan
from portal.web.formats import CAP, capped
from resilience.health.providers import Impact


def impact(viewer: Viewer, upstream_ids: Sequence[int]) -> Sequence[Impact]:
    """The plans that live at these upstreams: they can be read as they were last seen, and edited."""
    plans = Plan.objects.for_org(viewer).there().filter(upstream_id__in=upstream_ids)
    n = plans.values("pk")[:CAP].count()
    if not n:
        return []
    said = ngettext("%(n)s plan", "%(n)s plans", n) % {"n": capped(n)}
    return [Impact(_("Plans"), said, n, "/projects", _("shown as last seen, edits wait"))]
