"""The conflict pages: the inbox, one conflict, its documents. They parse, call one action or one read, and render."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conflicts import inbox as listing
from conflicts.actions.undo import undo
from conflicts.cards import SIDES
from conflicts.core import MISSING, merge
from conflicts.deciding import Answer, decide
from conflicts.delivery import OnItsWay
from conflicts.labels import steps_of, walk
from conflicts.models import Conflict, Round
from conflicts.readable import pretty
from conflicts.review import Review, choices_of, draft_of, find, losses, preview, review
from conflicts.rounds import past
from conflicts.states import ConflictState
from portal.kit import clock
from portal.kit.errors import NotFound
from portal.kit.viewer import Permission, Viewer
from portal.web.parts import part_of, rendered
from resilience.upstreams.models import Upstream

HOLD = 10.0
"""Seconds in which a resolution can be taken back before it goes out."""
HELD = timedelta(seconds=HOLD)
SOON = timedelta(minutes=5)
"""So long after a decision its page asks every few seconds what has become of it."""
PAGE = "conflicts/conflict.html"


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for a person, and what was settled lately; `live` is its fragment."""
    viewer: Viewer = request.chosen  # type: ignore[attr-defined]
    asked, after = listing.Filter.read(request.GET.dict()), request.GET.get("after", "")
    if asked.state in ("", "open"):
        rows, following = listing.waiting(viewer, asked, after)
    else:
        rows, following = listing.of_state(viewer, asked, after)
    kept, last = listing.proof(viewer, clock.now())
    context = {
        "asked": asked,
        "rows": rows,
        "following": following,
        "lately": listing.lately(viewer, asked) if not asked.state and not after else [],
        "chips": listing.chips(viewer, asked),
        "by_rule": kept,
        "last": last,
        "upstreams": Upstream.objects.for_org(viewer).order_by("slug").values_list("slug", flat=True).distinct(),
        "kinds": Conflict.objects.for_org(viewer).order_by("kind").values_list("kind", flat=True).distinct(),
    }
    template = "conflicts/inbox.html#live" if part_of(request) == "live" else "conflicts/inbox.html"
    return rendered(request, template, context)


@require_GET
def of_item(request: HttpRequest, conflict_item: UUID) -> HttpResponse:
    """Leads to the conflict of an item."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    found = Conflict.objects.for_org(viewer).filter(item_id=conflict_item).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound
    return redirect("conflict", conflict_id=found)


@require_http_methods(["GET", "POST"])
def conflict(request: HttpRequest, conflict_id: UUID) -> HttpResponse:
    """One conflict: what each side made of it and what is decided; a form posts to it. `conflict`, `kept` and `live` are its fragments."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    found = find(viewer, conflict_id)
    if request.method == "POST":
        viewer.require(Permission.OPERATE, found.organization_id)
        answer = decide(viewer, found, request.POST, hold=HOLD)
        if answer.said:
            messages.add_message(request, answer.level, answer.said)
        if answer.leads_to:
            return redirect(answer.leads_to)
        return _shown(request, viewer, answer)
    return _shown(request, viewer, Answer(found, reopened=tuple(request.GET.getlist("open"))))


def _shown(request: HttpRequest, viewer: Viewer, answer: Answer) -> HttpResponse:
    found, part = answer.conflict, part_of(request)
    draft = draft_of(viewer, found)
    shown = review(
        viewer,
        found,
        given=answer.given,
        draft=draft,
        start=_number(request.GET.get("from", "")) if answer.start is None else answer.start,
        settled_from=_number(request.GET.get("settled", "")),
        reopened=answer.reopened,
        faults=[] if answer.manual is not None else answer.faults,
    )
    shown.losses = answer.losses or ([] if shown.is_open else losses(shown))
    now = clock.now()
    held = found.conflict_state is ConflictState.DECIDED and found.resolved_at is not None
    under_way = found.conflict_state in (ConflictState.DECIDED, ConflictState.MERGED)
    moved = draft is not None and found.moved_at is not None and found.moved_at > draft.saved_at
    context = {
        "shown": shown,
        "conflict": found,
        "answer": answer,
        "draft": draft,
        "moved": answer.moved or (moved and shown.earlier > 0),
        "manual": answer.manual if answer.manual is not None else _manual(request, shown, draft),
        "goes_out": found.resolved_at + HELD if held and now < found.resolved_at + HELD else None,  # type: ignore[operator]
        "may_undo": held and viewer.can(Permission.OPERATE, found.organization_id),
        "documents": reverse("conflict_document", args=[found.pk, "base"]).removesuffix("base"),
        "fault_list": [{"pointer": fault.pointer, "detail": fault.detail} for fault in answer.faults],
        "was_open": part == "kept" or (part == "live" and "seen" in request.GET),
        "was_settled": part == "live" and "was" in request.GET,
        "soon": under_way and now < (found.resolved_at or found.opened_at) + SOON,
        "by_me": found.resolved_by == viewer.name,
        "reopened_by_me": shown.last is not None and shown.last.resolved_by == viewer.name,
        "seen_reopened": _reopened(request, part, shown),
        "own_manual": draft.manual if draft is not None and draft.manual and not shown.is_open else "",
        "earlier_rounds": past(shown.rounds) if part in ("", "conflict", "confirm") else [],
        "seen_moved": shown.is_open and _seen(request, part) not in ("", found.digest),
    }
    if answer.confirm:
        template = "conflicts/confirm.html"
        return rendered(request, f"{template}#box" if part in ("conflict", "confirm") else template, context)
    template = f"{PAGE}#{part}" if part in ("conflict", "kept", "live") else PAGE
    return rendered(request, template, context, status=answer.status)


def _seen(request: HttpRequest, part: str) -> str:
    """The digest of the conflict that an open page shows, where a part of it asks for news."""
    if part == "kept":
        return request.POST.get("digest", "")
    return request.GET.get("seen", "") if part == "live" else ""


def _reopened(request: HttpRequest, part: str, shown: Review) -> str:
    """Why it is open again, for a page that was loaded when it was decided (in the revision `was`): "moved", "undone", or ""."""
    was = request.GET.get("was", "")
    if part != "live" or not was or not shown.is_open:
        return ""
    return "moved" if any(one.number >= _number(was) for one in shown.rounds) else "undone"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _manual(request: HttpRequest, shown: Any, draft: Any) -> str | None:
    """The text of the editor: what was kept of it, else what would be sent; None when the editor was not asked for."""
    if "manual" not in request.GET or not shown.may:
        return None
    if draft and draft.manual:
        return str(draft.manual)
    document = shown.result
    return "" if document is MISSING else pretty(document)


@require_GET
def document(request: HttpRequest, conflict_id: UUID, side: str) -> HttpResponse:
    """One of the documents as JSON text: base, local, remote, or `result` (what would be or was sent); `at` takes one place of it.

    With `raw` a text is given bare, as it is written into a field.
    """
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    found = find(viewer, conflict_id)
    value = _of_round(viewer, found, side, request.GET["round"]) if "round" in request.GET else None
    value = _document(viewer, found, side) if value is None else value[0]
    for step in steps_of(request.GET.get("at", "")):
        value = walk(value, [step])[-1]
    hunk = request.GET.get("hunk", "")
    if "d" in request.GET:
        value = _place(found, side, request.GET["d"], hunk)
    response = HttpResponse(_written(value, bare="raw" in request.GET), content_type="text/plain; charset=utf-8")
    patch_cache_control(response, no_store=True, private=True)
    return response


def _written(value: Any, *, bare: bool) -> str:
    if value is MISSING:
        return ""
    return value if bare and isinstance(value, str) else pretty(value)


def _of_round(viewer: Viewer, found: Conflict, side: str, number: str) -> tuple[Any]:
    """A document of an earlier round."""
    one = Round.objects.for_org(viewer).filter(conflict=found, number=_number(number)).first()
    if one is None or side not in (*SIDES, "result"):
        raise NotFound
    return (one.read_result() if side == "result" else dict(zip(SIDES, one.documents(), strict=True))[side],)


def _document(viewer: Viewer, found: Conflict, side: str) -> Any:
    if side in SIDES:
        return dict(zip(SIDES, found.documents(), strict=True))[side]
    if side != "result":
        raise NotFound
    if found.conflict_state is not ConflictState.OPEN:
        return found.read_result()
    documents, rules = found.documents(), found.read_rules()
    choices = choices_of(found, draft_of(viewer, found))
    merged = merge(*documents, rules)
    known = {one.id for one in merged.decisions}
    return preview(documents, rules, {name: one for name, one in choices.items() if name in known}, merged)


def _place(found: Conflict, side: str, name: str, hunk: str) -> Any:
    """A side's value of a decision, or of one of its hunks."""
    decisions = merge(*found.documents(), found.read_rules()).decisions
    decision = next((one for one in decisions if one.id == name), None)
    place: Any = decision
    if decision is not None and hunk:
        place = next((one for one in decision.hunks if str(one.number) == hunk), None)
    if place is None or side not in SIDES:
        raise NotFound
    return getattr(place, side)


@require_POST
def take_back(request: HttpRequest, conflict_id: UUID) -> HttpResponse:
    """Takes a resolution back while the upstream has not got it."""
    viewer: Viewer = request.viewer  # type: ignore[attr-defined]
    by_hand, page = find(viewer, conflict_id).manual, reverse("conflict", args=[conflict_id])
    try:
        undo(viewer=viewer, conflict_id=conflict_id)
    except OnItsWay as error:
        messages.error(request, f"{error.title()} {error.detail}".strip())
        return redirect(page)
    if by_hand:
        messages.success(request, _("Taken back, nothing was sent. The document is as it was written."))
        return redirect(f"{page}?manual=1")
    messages.success(request, _("Taken back, nothing was sent. Your choices are as they were."))
    return redirect(page)
