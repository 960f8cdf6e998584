"""Writing an update about an outage."""

from django.db import transaction
from django.utils.translation import gettext as _

from portal.kit.errors import Fault
from portal.kit.viewer import Viewer
from resilience.health.actions.outages import LONGEST_NOTE, masked, outage_of, tell_outage, text_faults
from resilience.health.actions.steering import refuse, shown
from resilience.health.models import Note


def note_outage(*, viewer: Viewer, outage_id: int, text: str) -> Note:
    """The note, which stays as it is. One may be written about an outage that is over, too: what was learnt belongs there."""
    clean = text.strip() if isinstance(text, str) else text
    missing = [] if clean else [Fault("/text", _("Write what is new."))]
    refuse(missing or text_faults(clean, "/text", most=LONGEST_NOTE, lines=True))
    clean = masked(clean, most=LONGEST_NOTE)
    with transaction.atomic():
        outage = outage_of(viewer, outage_id)
        note = Note.objects.create(outage=outage, author=viewer.name, text=clean)
        tell_outage("outage.noted", viewer, outage, {"note": note.pk, "text": shown(clean)})
    return note
