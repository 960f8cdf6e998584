"""Everything that the page of a conflict shows, worked out once: questions, what rules settled, what will be sent, what it touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from conflicts.around import Other, neighbours, others_of
from conflicts.cards import Card, Given, card
from conflicts.core import MISSING, Choice, ChoiceError, Decision, merge, resolve
from conflicts.core.choosing import is_open, kept, open_hunks, undecided
from conflicts.core.decisions import Merge
from conflicts.core.equality import same
from conflicts.core.text import passages
from conflicts.delivery import delivery
from conflicts.forms import unreadable
from conflicts.impact import Criterion, touched
from conflicts.labels import Places
from conflicts.located import Finder, key_fields
from conflicts.losses import Loss, left_out_of, losses_of
from conflicts.models import Conflict, Draft, Round
from conflicts.problems import Problem, Searching
from conflicts.profiles import profile
from conflicts.readable import Line, against
from conflicts.rounds import rounds_of
from conflicts.sent import MOST, Sent, sent
from conflicts.states import SIGNS, WORDS, ConflictState
from conflicts.told import Left, Own, choice_word, drafted
from conflicts.windows import Question, Window, Windows
from portal.kit import jsontext
from portal.kit.errors import Fault, NotFound
from portal.kit.viewer import Permission, Viewer

SETTLED = 40
"""So many places that rules settled are listed at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list at the left: a decision that asks. `start` is the window that its questions stand in."""

    id: str
    label: str
    note: str
    decided: bool
    here: bool
    start: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What a rule decided: at which place, how, and which values both sides had."""

    decision: Decision
    label: str
    reason: str
    local: tuple[Line, ...]
    remote: tuple[Line, ...]


@dataclass(slots=True)
class Review:
    """A conflict and all that its page shows."""

    conflict: Conflict
    may: bool
    given: Given
    merge: Merge
    cards: list[Card]
    entries: list[Entry]
    settled: list[Settled]
    settled_from: int
    settled_total: int
    sent: list[Sent]
    sent_more: int
    criteria: list[Criterion]
    behind: int
    others: list[Other]
    window: Window
    asks: int
    open: int
    earlier: int
    mine: int
    result: Any
    problems: list[Problem]
    rounds: list[Round]
    last: Round | None
    left: list[Left]
    before: int = 0
    total: int = 0
    next_id: UUID | None = None
    losses: list[Loss] = field(default_factory=list)

    @property
    def reopened(self) -> bool:
        """Whether the upstream moved after somebody had decided, and something of it asks again."""
        return self.is_open and self.last is not None and self.open > 0

    @property
    def decided_before(self) -> int:
        """How many decisions were made in the round before."""
        return len(self.last.read_choices()) if self.last else 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is sent any more."""
        return self.conflict.finished_at is not None

    @property
    def name(self) -> str:
        """What the entity is called."""
        return self.conflict.title or self.conflict.entity_id

    @property
    def decided(self) -> int:
        """How many decisions are made."""
        return self.asks - self.open

    @property
    def is_open(self) -> bool:
        """Whether it waits for a person."""
        return self.conflict.conflict_state is ConflictState.OPEN

    @property
    def paths(self) -> str:
        """Where the decisions of this page stand, as JSON, for the form."""
        return jsontext.dump({one.decision.id: one.decision.path for one in self.cards})

    @property
    def sign(self) -> str:
        """The state's sign in the vocabulary."""
        return SIGNS[self.conflict.conflict_state]

    @property
    def word(self) -> str | Promise:
        """The state's word."""
        return WORDS[self.conflict.conflict_state]

    @property
    def first_open(self) -> Entry | None:
        """The first decision that is not made."""
        return next((entry for entry in self.entries if not entry.decided), None)

    @property
    def gone(self) -> bool:
        """Whether nothing is left of the entity."""
        return self.result is MISSING

    @property
    def settled_after(self) -> int | None:
        """Where the list of what rules settled goes on."""
        end = self.settled_from + len(self.settled)
        return end if end < self.settled_total else None

    @property
    def place(self) -> int:
        """Its number among the open ones, the oldest first."""
        return self.before + 1


def find(viewer: Viewer, conflict_id: UUID) -> Conflict:
    """The conflict. Raises NotFound for one that the viewer may not see."""
    found = Conflict.objects.for_org(viewer).select_related("organization", "upstream").filter(pk=conflict_id).first()
    if found is None:
        raise NotFound
    return found


def draft_of(viewer: Viewer, conflict: Conflict) -> Draft | None:
    """What the viewer has chosen and not sent."""
    if viewer.user_id is None:
        return None
    return Draft.objects.for_org(viewer).filter(conflict=conflict, user_id=viewer.user_id).first()


def choices_of(conflict: Conflict, draft: Draft | None) -> dict[str, Choice]:
    """What stands of earlier answers, overlaid by the viewer's own draft."""
    own: dict[str, Choice] = jsontext.load(draft.choices) if draft else {}
    return (
        {**conflict.read_choices(), **own} if conflict.conflict_state is ConflictState.OPEN else conflict.read_choices()
    )


def review(
    viewer: Viewer,
    conflict: Conflict,
    *,
    given: Given | None = None,
    draft: Draft | None = None,
    start: int = 0,
    settled_from: int = 0,
    reopened: Sequence[str] = (),
    faults: Sequence[Fault] = (),
) -> Review:
    """The page of a conflict for this viewer; `given` is what was just posted, instead of what was kept.

    `faults` are those of what was posted. On what is decided, the viewer's own answers stand beside what was decided.
    """
    documents, rules = conflict.documents(), conflict.read_rules()
    found = merge(*documents, rules)
    given = given or _kept(conflict, draft, found.decisions)
    given = replace(given, choices=kept(found.decisions, given.choices))
    places, asking = Places(*documents), found.conflicts
    result = _result(conflict, documents, rules, given.choices, found)
    opened = {one.id for one in found.decisions if not one.asks and (one.id in given.choices or one.id in reopened)}
    shown = [*asking, *(one for one in found.decisions if one.id in opened)]
    automatic = [one for one in found.decisions if not one.asks and one.id not in opened]
    settled_from = min(max(settled_from, 0), max(len(automatic) - 1, 0))
    settled, told = automatic[settled_from : settled_from + SETTLED], _told(asking, found.decisions)
    labels = {one.id: places.label(one) for one in {one.id: one for one in (*shown, *settled, *told)}.values()}
    open_ids = {one.id for one in undecided(found.decisions, given.choices)}
    criteria, touches = touched(places, shown, labels, result, open_ids)
    windows = Windows(shown)
    window = windows.at(start)
    now = windows.questions[window.start : window.end]
    here = {one.id for one, _hunk in now}
    entries = _entries(asking, windows, labels, given.choices, here)
    starts = {entry.id: entry.start for entry in entries}
    wrong = Searching(
        decisions=found.decisions,
        choices=given.choices,
        places=places,
        rules=rules,
        result=result,
        leads_to=lambda name: _way_to(name, here, starts),
    ).problems(faults, given.faults)
    rounds = rounds_of(viewer, conflict)
    own = Own.of(conflict, draft, rounds, found)
    cards = _cards(
        now, labels=labels, given=given, rules=rules, touches=touches, own=own, wrong=wrong, conflict=conflict
    )
    return Review(
        conflict=conflict,
        may=viewer.can(Permission.OPERATE, conflict.organization_id) and conflict.conflict_state is ConflictState.OPEN,
        given=given,
        merge=found,
        cards=cards,
        entries=entries,
        settled=[_settled(one, labels[one.id]) for one in settled],
        settled_from=settled_from,
        settled_total=len(automatic),
        sent=sent(
            told,
            given.choices,
            labels=labels,
            places=places,
            result=Finder(result, key_fields(rules)),
            passages_of=lambda one: _passages(one, rules),
        ),
        sent_more=max(len(found.decisions) - len(told), 0),
        criteria=criteria,
        behind=delivery().behind(viewer, [conflict.item_id]).get(conflict.item_id, 0),
        others=others_of(viewer, conflict, asking),
        window=window,
        asks=len(asking),
        open=len(open_ids),
        earlier=len(own.earlier),
        mine=len(own.earlier) + len(given.choices),
        result=result,
        problems=wrong,
        rounds=rounds,
        last=own.last,
        left=own.elsewhere(shown, documents),
        **neighbours(viewer, conflict),
    )


def _result(
    conflict: Conflict,
    documents: tuple[Any, Any, Any],
    rules: Mapping[str, Any],
    choices: Mapping[str, Choice],
    found: Merge,
) -> Any:
    """The document that would be sent; what is undecided stands in it as in base."""
    if conflict.settled and conflict.conflict_state is not ConflictState.OPEN:
        return conflict.read_result()
    return preview(documents, rules, choices, found)


def preview(
    documents: tuple[Any, Any, Any], rules: Mapping[str, Any], choices: Mapping[str, Choice], found: Merge
) -> Any:
    """The document that these choices make, with the base where nothing was chosen."""
    if not choices:
        return found.draft
    try:
        return resolve(*documents, rules, choices, partial=True)
    except ChoiceError:
        return found.draft


def _told(asking: Sequence[Decision], decisions: Sequence[Decision]) -> list[Decision]:
    """The places that "What will be sent" tells: all when there are few, else those that ask."""
    if len(decisions) <= MOST:
        return [one for one in decisions if one.action != "same" or one.kind != "order"]
    return list(asking[:MOST])


def _kept(conflict: Conflict, draft: Draft | None, decisions: Sequence[Decision]) -> Given:
    """What was kept: choices, and texts that could not be read yet."""
    raw = drafted(draft).texts if conflict.conflict_state is ConflictState.OPEN else {}
    return Given(choices_of(conflict, draft), *unreadable(raw, {one.id: one for one in decisions}))


def _way_to(name: str, here: set[str], starts: Mapping[str, int]) -> str:
    """The address of a field or a card, on this page or on another."""
    identifier = name.partition(".")[0]
    if identifier in here:
        return f"#d-{identifier}"
    return f"?from={starts[identifier]}#d-{identifier}" if identifier in starts else ""


def _cards(
    now: Sequence[Question],
    *,
    labels: Mapping[str, str],
    given: Given,
    rules: Mapping[str, Any],
    touches: Mapping[str, list[str]],
    own: Own,
    wrong: Sequence[Problem],
    conflict: Conflict,
) -> list[Card]:
    hunks: dict[str, list[int]] = {}
    for one, hunk in now:
        hunks.setdefault(one.id, []).extend([] if hunk is None else [hunk])
    known = profile(conflict.kind).known
    given = replace(given, faults={**{one.name: one.detail for one in wrong if one.name}, **given.faults})
    return [
        card(
            one,
            labels[one.id],
            given,
            by=_by(one, rules),
            hunks=hunks[one.id] or None,
            known=known(one.path),
            touches=touches.get(one.id, ()),
            earlier=own.earlier.get(one.path) or own.decided.get(one.path, ()),
            earlier_by="" if one.path in own.earlier or own.last is None else own.last.resolved_by,
            yours=own.yours.of(one.id, one),
            fault=" ".join(this.detail for this in wrong if this.decision == one.id and not this.name),
        )
        for one in {one.id: one for one, _hunk in now}.values()
    ]


def _by(decision: Decision, rules: Mapping[str, Any]) -> str:
    """What the hunks of a text count: lines or sentences."""
    return str(rules.get(decision.rule, {}).get("text", "lines"))


def _passages(decision: Decision, rules: Mapping[str, Any]) -> Sequence[str]:
    return passages(decision.base, _by(decision, rules)) if isinstance(decision.base, str) else ()


def _entries(
    asking: Sequence[Decision],
    windows: Windows,
    labels: Mapping[str, str],
    choices: Mapping[str, Choice],
    here: set[str],
) -> list[Entry]:
    """What asks; each leads to its first question that is not answered."""
    waiting = {one.id: {hunk.number for hunk in open_hunks(one, choices)} for one in asking if one.hunks}
    numbers: dict[str, int] = {}
    for number, (one, hunk) in reversed(list(enumerate(windows.questions))):
        if one.id not in numbers or not waiting.get(one.id) or hunk in waiting[one.id]:
            numbers[one.id] = number
    return [
        Entry(
            one.id,
            labels[one.id],
            _note(one, choices),
            not is_open(one, choices),
            one.id in here,
            windows.page_of(numbers[one.id]),
        )
        for one in asking
    ]


def _note(decision: Decision, choices: Mapping[str, Choice]) -> str:
    choice = choices.get(decision.id)
    asking = [hunk for hunk in decision.hunks if hunk.asks]
    if asking and (choice is None or (isinstance(choice, Mapping) and "hunks" in choice)):
        done = len(asking) - len(open_hunks(decision, choices)) if choice is not None else 0
        return _("text, %(n)d of %(total)d hunks decided") % {"n": done, "total": len(asking)}
    if choice is not None:
        return _("decided: %s") % choice_word(choice)
    if decision.kind == "delete-modify":
        return _("deleted here, edited upstream") if decision.local is MISSING else _("edited here, deleted upstream")
    return _("added on both sides") if decision.kind == "add-add" else _("changed on both sides")


def _settled(decision: Decision, label: str) -> Settled:
    local, remote = (
        () if same(side, decision.base) else against(decision.base, side).lines[:3]
        for side in (decision.local, decision.remote)
    )
    return Settled(decision, label, _(decision.reason) if decision.reason else "", local, remote)


def merged_by_rule(conflict: Conflict) -> list[Settled]:
    """What rules decided in a conflict that nobody was asked about, for the item's page."""
    documents = conflict.documents()
    places = Places(*documents)
    decisions = merge(*documents, conflict.read_rules()).decisions[:SETTLED]
    return [_settled(one, places.label(one)) for one in decisions]


def losses(shown: Review) -> list[Loss]:
    """What was left out of a settled conflict, in words."""
    conflict, decisions = shown.conflict, shown.merge.decisions
    if conflict.manual:
        return left_out_of(conflict, decisions, conflict.read_result())
    return losses_of(conflict, decisions, shown.given.choices)
