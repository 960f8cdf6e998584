"""Asking after everything at once because a person wants to know now. The prober goes on as ever."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Thread

from django.db import connection
from django.db.models import Case, IntegerField, Value, When
from django.utils.translation import gettext as _

from portal.kit.errors import Conflicting, Forbidden, Invalid
from portal.kit.viewer import Permission, Viewer
from resilience.health.actions.check_now import check_all_now
from resilience.health.core.states import URGENCY
from resilience.health.models import Component

log = logging.getLogger(__name__)

MOST = 40
"""So many components are asked, the most urgent first; the others have their turn within their interval anyway."""
AT_ONCE = 8
PATIENCE = 4.0
"""Seconds that a person waits for results; what takes longer comes to the page by itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How many components were asked, how many of them have answered by now, and how many were left to the prober."""

    asked: int
    done: int
    left: int


def check_everything(*, viewer: Viewer, patience: float = PATIENCE) -> Asked:
    """Asks every component of the organizations in which the viewer may operate. Raises Forbidden or Invalid where nothing is."""
    mine = viewer.organizations_with(Permission.OPERATE)
    if not mine:
        raise Forbidden
    order = Case(*(When(state=state.value, then=Value(n)) for state, n in URGENCY.items()), output_field=IntegerField())
    rows = Component.objects.for_org(viewer).filter(organization__in=mine, probes__enabled=True).distinct()
    ids = list(rows.order_by(order, "pk").values_list("pk", flat=True))
    if not ids:
        raise Invalid(_("There is no probe that could be asked."))
    return Asked(len(ids[:MOST]), _ask(viewer, ids[:MOST], patience), max(len(ids) - MOST, 0))


def _ask(viewer: Viewer, ids: Sequence[int], patience: float) -> int:
    threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="check-all")
    futures = [threads.submit(_one, viewer, component_id) for component_id in ids]
    done, _late = wait(futures, timeout=patience)
    Thread(target=threads.shutdown, name="check-all-end", daemon=True).start()
    return len(done)


def _one(viewer: Viewer, component_id: int) -> None:
    _quietly(lambda: check_all_now(viewer=viewer, component_id=component_id))


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except (Conflicting, Invalid):
        pass  # it is being asked already, or its probes were taken away meanwhile
    except Exception:
        log.exception("A component could not be checked")
    finally:
        connection.close()
