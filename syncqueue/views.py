"""The queue's pages: the list, one item, and the forms that act on items. They parse, call one action or one read, render."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from conflicts.models import Conflict
from portal.kit import clock
from portal.kit.errors import Error, Forbidden, Invalid, NotFound
from portal.kit.viewer import Permission, Viewer
from portal.tenancy.models import Project
from portal.web.parts import part_of, rendered
from resilience.health.troubles import troubles
from resilience.upstreams.models import Upstream
from syncqueue import figures, kinds
from syncqueue.actions.cancel import cancel
from syncqueue.actions.delete import delete
from syncqueue.actions.retry import retry
from syncqueue.actions.retry_failed import retry_failed
from syncqueue.actions.step_over import step_over
from syncqueue.core.states import ItemState
from syncqueue.facts import gather
from syncqueue.item_page import item_page
from syncqueue.listing import PAGE, Filter, page, shown_again
from syncqueue.models import Item
from syncqueue.rows import AGES, Row, chips, tokens

ACTIONS = {"retry": retry, "cancel": cancel, "delete": delete, "step-over": step_over}
REASONED = frozenset({"cancel", "delete", "step-over"})
LONGEST_REASON = 300


@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """The list of items with the queue's figures; `list` and `live` are its fragments."""
    viewer: Viewer = request.chosen  # type: ignore[attr-defined]
    asked, now, part = Filter.read(request.GET.dict()), clock.now(), part_of(request)
    found = page(viewer, asked, now=now, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    counts = figures.totals(figures.by_upstream(viewer, asked.upstream))
    context: dict[str, Any] = {"asked": asked, "page": found, "counts": counts, "chips": chips(asked, counts)}
    if part == "live":
        context |= _news(request, viewer, asked, found.items)
    else:
        context |= _choices(viewer) | {"rows": _rows(viewer, found.items), "tokens": tokens(asked)}
    if not part or "charts" in request.GET:
        seen = figures.history(viewer, now=now, waiting=counts["waiting"], upstream=asked.upstream)
        spans = troubles(viewer, seen.start, now, asked.upstream)
        context |= {
            "seen": seen,
            "waiting": figures.waiting_chart(seen, spans),
            "throughput": figures.throughput_chart(seen),
        }
    template = f"syncqueue/queue.html#{part}" if part in {"list", "live"} else "syncqueue/queue.html"
    return rendered(request, template, context)


def _rows(viewer: Viewer, items: list[Item]) -> list[Row]:
    now = clock.now()
    rows = [Row.of(known, now) for known in gather(viewer, items)]
    waiting = [row.item.pk for row in rows if row.item.item_state is ItemState.CONFLICT]
    asks = (
        set(Conflict.objects.for_org(viewer).filter(item_id__in=waiting).values_list("item_id", flat=True))
        if waiting
        else set()
    )
    for row in rows:
        row.asks = row.item.pk in asks
    return rows


def _choices(viewer: Viewer) -> dict[str, Any]:
    """What the filter's selects offer."""
    return {
        "upstreams": Upstream.objects.for_org(viewer).order_by("slug").values_list("slug", flat=True).distinct(),
        "projects": Project.objects.for_org(viewer).order_by("slug").values_list("slug", "name").distinct(),
        "kinds": [kind.name for kind in kinds.all_kinds()],
        "ages": AGES,
        "may_operate": bool(viewer.organizations_with(Permission.OPERATE)),
        "may_delete": bool(viewer.organizations_with(Permission.ADMINISTER)),
    }


def _news(request: HttpRequest, viewer: Viewer, asked: Filter, listed: list[Item]) -> dict[str, Any]:
    """The rows that the page shows as they are now, and how many are new or no longer belong there."""
    ids = [UUID(hex=text) for text in request.GET.get("shown", "").split(",")[: 2 * PAGE] if _is_id(text)]
    rows = _rows(viewer, shown_again(viewer, ids))
    for row in rows:
        row.gone = row.item.item_state.slug != asked.state if asked.state else not row.item.item_state.open
    return {
        "rows": rows,
        "added": sum(1 for item in listed if item.pk not in set(ids)),
        "gone": len(ids) - sum(1 for row in rows if not row.gone),
    }


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@require_GET
def item(request: HttpRequest, item_id: UUID) -> HttpResponse:
    """One item: why it is where it is, its lane, what it changes, its attempts, and what can be done; `live` is its fragment."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    template = "syncqueue/item.html#live" if part_of(request) == "live" else "syncqueue/item.html"
    return rendered(request, template, {"shown": item_page(viewer, item_id, clock.now())})


@require_POST
def act(request: HttpRequest, item_id: UUID, verb: str) -> HttpResponse:
    """Does one thing to one item and shows it again."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    if verb not in ACTIONS:
        raise NotFound
    why = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    if verb in REASONED and not why:
        missing = {
            "shown": item_page(viewer, item_id, clock.now()),
            "reason_error": _("Say why; it is kept in the audit log."),
        }
        return rendered(request, "syncqueue/item.html", missing, status=422)
    try:
        ACTIONS[verb](viewer=viewer, item_id=item_id, reason=why)
    except (Forbidden, NotFound):
        raise
    except Error as error:
        messages.error(request, error.detail or error.title())
    else:
        messages.success(request, _said(verb, 1))
    return redirect("queue_item", item_id=item_id)


@require_POST
def act_on_many(request: HttpRequest) -> HttpResponse:
    """Does one thing to each chosen item and tells how many it worked for."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    verb, why = request.POST.get("verb", ""), request.POST.get("reason", "").strip()[:LONGEST_REASON]
    texts = [text for value in request.POST.getlist("id") for text in value.split(",")]
    ids = [UUID(text) for text in texts[:PAGE] if _is_id(text)]
    if verb not in ACTIONS or not ids:
        raise Invalid(_("Choose items and what to do with them."))
    if verb in REASONED and not why:
        raise Invalid.at("/reason", _("Say why; it is kept in the audit log."))
    done, refused = 0, ""
    for item_id in ids:
        try:
            ACTIONS[verb](viewer=viewer, item_id=item_id, reason=why)
            done += 1
        except Error as error:
            refused = error.detail or error.title()
    if done:
        messages.success(request, _said(verb, done))
    if refused:
        left = len(ids) - done
        sentence = ngettext("%(n)d item was left as it is. %(why)s", "%(n)d items were left as they are. %(why)s", left)
        messages.error(request, sentence % {"n": left, "why": refused})
    return redirect(_back(request))


@require_POST
def send_failed_again(request: HttpRequest) -> HttpResponse:
    """Sends the failed items again, of one upstream or of all that the viewer may operate."""
    viewer: Viewer = request.chosen  # type: ignore[attr-defined]
    done = retry_failed(viewer=viewer, upstream=request.POST.get("upstream", ""))
    messages.success(request, _said("retry", done.retried))
    if done.more:
        messages.warning(request, _("More failed items are left. Press the button again for the next ones."))
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """The list as it was filtered."""
    query = request.POST.get("query", "")
    return f"/resilience/queue?{query}" if query else "/resilience/queue"


def _said(verb: str, n: int) -> str:
    sentences = {
        "retry": ngettext("%(n)d item is sent again.", "%(n)d items are sent again.", n),
        "cancel": ngettext(
            "%(n)d item is cancelled. It will not be sent.", "%(n)d items are cancelled. They will not be sent.", n
        ),
        "delete": ngettext(
            "%(n)d item is deleted. Its payload is erased.", "%(n)d items are deleted. Their payloads are erased.", n
        ),
        "step-over": ngettext(
            "%(n)d item is stepped over. Its lane goes on.", "%(n)d items are stepped over. Their lanes go on.", n
        ),
    }
    return sentences[verb] % {"n": n}
