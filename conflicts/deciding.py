"""What a posted form of a conflict comes to: it is kept, shown again, asked about, or sent. Whatever is refused stays on the screen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib.messages import constants
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conflicts.actions.keep_draft import keep_draft
from conflicts.actions.refresh import refresh
from conflicts.actions.resolve import Resolution, examine, resolve
from conflicts.cards import Given
from conflicts.core import Choice, Decision, merge
from conflicts.core.choosing import undecided
from conflicts.errors import AlreadyDecided, Moved, Undecided
from conflicts.forms import Posted, posted
from conflicts.losses import Loss, left_out_of, losses_of
from conflicts.models import Conflict
from conflicts.review import choices_of, draft_of, find
from conflicts.states import ConflictState
from conflicts.told import drafted
from portal.kit import jsontext
from portal.kit.errors import Error, Fault, Invalid, TooLarge, Unavailable
from portal.kit.viewer import Viewer

WRONG = 422


@dataclass(slots=True, kw_only=True)
class _Said:
    """What a page shows besides the conflict itself."""

    given: Given | None = None
    start: int | None = None
    reopened: tuple[str, ...] = ()
    manual: str | None = None
    faults: list[Fault] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    missing: bool = False
    moved: bool = False
    faster: bool = False
    confirm: str = ""
    status: int = 200
    said: str = ""
    level: int = constants.SUCCESS
    leads_to: str = ""


class Answer(_Said):
    """What is answered to a form, or to a plain look at the page.

    `leads_to` is another address; `confirm` the choices (JSON) or the document whose losses are to be confirmed; `missing` says that
    something is not decided; `moved` that the upstream changed it meanwhile; `faster` that somebody else decided it.
    """

    __slots__ = ("conflict",)

    def __init__(self, conflict: Conflict, **said: Any) -> None:
        super().__init__(**said)
        self.conflict = conflict


def decide(viewer: Viewer, conflict: Conflict, data: QueryDict, *, hold: float) -> Answer:
    """The answer to a form. Refusals of choices are answers; Forbidden and NotFound are raised."""
    documents, rules = conflict.documents(), conflict.read_rules()
    decisions = {one.id: one for one in merge(*documents, rules).decisions}
    draft = draft_of(viewer, conflict)
    try:
        form = posted(data, decisions, _before(conflict, draft), drafted(draft).texts)
    except Invalid as error:
        return Answer(conflict, faults=list(error.faults), status=WRONG)
    page = _Page(
        viewer,
        conflict,
        decisions,
        form,
        _start(data),
        tuple(data.getlist("open")),
        hold,
        draft.manual if draft else "",
    )
    if conflict.conflict_state is not ConflictState.OPEN:
        return page.late()
    verb, _colon, about = form.verb.partition(":")
    return page.answer(verb, about)


def _before(conflict: Conflict, draft: Any) -> dict[str, Choice]:
    if conflict.conflict_state is ConflictState.OPEN:
        return choices_of(conflict, draft)
    own: dict[str, Choice] = jsontext.load(draft.choices) if draft else {}
    return own


def _start(data: QueryDict) -> int:
    text = data.get("from", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


@dataclass(slots=True)
class _Page:
    """A form on the page of a conflict."""

    viewer: Viewer
    conflict: Conflict
    decisions: Mapping[str, Decision]
    form: Posted
    start: int
    reopened: tuple[str, ...]
    hold: float
    kept_manual: str

    def answer(self, verb: str, about: str) -> Answer:
        """What the pressed button does."""
        if verb in ("local", "remote"):
            return self._fill(verb)
        try:
            self.keep()
        except TooLarge as error:
            return self.again(manual=self.form.manual, faults=[Fault("", error.title())], status=WRONG)
        if not self.form.readable and verb in ("send", "confirmed", "preview"):
            return self.again(status=WRONG)
        acts: dict[str, Callable[[], Answer]] = {
            "save": self._leave,
            "keep": self.again,
            "go": lambda: self._to(**{"from": about if about.isdigit() else 0}, anchor="questions"),
            "settled": lambda: self._to(settled=about, anchor="settled"),
            "open": lambda: self._to(open=(*self.reopened, about), anchor=f"d-{about}"),
            "refresh": self._refresh,
            "send": lambda: self._send(sure=False),
            "confirmed": lambda: self._send(sure=True),
            "manual": lambda: self._to(manual="1"),
            "manual-leave": self._to,
            "manual-anew": self._anew,
            "manual-preview": lambda: self.again(manual=self.form.manual, faults=self._faults_of_text()),
            "manual-send": lambda: self._send_manual(sure=False),
            "manual-confirmed": lambda: self._send_manual(sure=True),
        }
        return acts.get(verb, self._look)()

    def _anew(self) -> Answer:
        self.form = replace(self.form, manual="")
        self.keep()
        return self._to(manual="1")

    def _look(self) -> Answer:
        return self._to(anchor="sent-title")

    def keep(self) -> None:
        """Keeps what was chosen, for later."""
        gone = self.form.own - self.decisions.keys() if self.form.digest == self.conflict.digest else set()
        choices = {name: one for name, one in self.form.given.choices.items() if name not in gone}
        keep_draft(
            viewer=self.viewer,
            conflict_id=self.conflict.pk,
            choices=choices,
            manual=self.kept_manual if self.form.manual is None else self.form.manual,
            paths=self.form.paths,
            raw=self.form.given.texts,
        )

    def again(self, **said: Any) -> Answer:
        """The page with what was posted."""
        return Answer(
            self.conflict, **{"given": self.form.given, "start": self.start, "reopened": self.reopened, **said}
        )

    def late(self) -> Answer:
        """A form for what was decided meanwhile: what it holds is kept and shown."""
        try:
            self.keep()
        except TooLarge as error:
            return self.again(given=None, manual=self.form.manual, faults=[Fault("", error.title())], status=WRONG)
        return self.faster()

    def faster(self) -> Answer:
        """Somebody else decided it: their decision, and beside it what was chosen here, which has just been kept."""
        return Answer(self.conflict, faster=True, status=AlreadyDecided.status)

    def _to(self, *, anchor: str = "", **query: Any) -> Answer:
        """The page again, by its address."""
        query = {"from": self.start, "open": self.reopened, **query}
        text = urlencode({name: value for name, value in query.items() if value}, doseq=True)
        page = reverse("conflict", args=[self.conflict.pk])
        return Answer(self.conflict, leads_to=page + (f"?{text}" if text else "") + (f"#{anchor}" if anchor else ""))

    def _leave(self) -> Answer:
        asks = [one for one in self.decisions.values() if one.asks]
        done = len(asks) - len(undecided(asks, self.form.given.choices))
        said = ngettext("Kept: %(done)d of %(n)d decision made.", "Kept: %(done)d of %(n)d decisions made.", len(asks))
        return Answer(self.conflict, said=said % {"done": done, "n": len(asks)}, leads_to=reverse("conflicts"))

    def _fill(self, side: str) -> Answer:
        filled = {one.id: side for one in self.decisions.values() if one.asks and side in one.options}
        given = self.form.given
        texts = {name: text for name, text in given.texts.items() if name.partition(".")[0] not in filled}
        self.form = replace(self.form, given=Given({**given.choices, **filled}, texts, given.faults))
        self.keep()
        return self._to(anchor="questions")

    def _refresh(self) -> Answer:
        try:
            done = refresh(viewer=self.viewer, conflict_id=self.conflict.pk)
        except (Unavailable, AlreadyDecided) as error:
            answer = self._to()
            answer.said, answer.level = f"{error.title()} {error.detail}".strip(), constants.ERROR
            return answer
        answer = self._to()
        if done.moved:
            self.conflict = find(self.viewer, self.conflict.pk)
            return self._moved(status=200)
        answer.said = _("The upstream still has what is shown here.")
        return answer

    def _moved(self, status: int = Moved.status) -> Answer:
        return Answer(self.conflict, moved=True, status=status)

    def _refused(self, error: Error) -> Answer:
        """Nothing was sent; everything that was chosen stays."""
        self.conflict = find(self.viewer, self.conflict.pk)
        if isinstance(error, AlreadyDecided):
            return self.faster()
        if isinstance(error, Moved):
            return self._moved()
        if isinstance(error, Undecided):
            return self.again(missing=True, status=WRONG)
        return self.again(faults=list(error.faults) or [Fault("", error.detail or error.title())], status=WRONG)

    def _send(self, *, sure: bool) -> Answer:
        choices = self.form.given.choices
        wanted = {name: one for name, one in choices.items() if name in self.decisions or name in self.form.own}
        resolution = Resolution(choices=wanted)
        try:
            if self.form.digest != self.conflict.digest:
                raise Moved
            examine(self.conflict, resolution)
            if not sure:
                lost = losses_of(self.conflict, list(self.decisions.values()), wanted)
                if lost:
                    return self.again(confirm=jsontext.dump(wanted), losses=lost)
            resolve(
                viewer=self.viewer,
                conflict_id=self.conflict.pk,
                digest=self.form.digest,
                resolution=resolution,
                hold=self.hold,
            )
        except (AlreadyDecided, Moved, Invalid) as error:
            return self._refused(error)
        return Answer(self.conflict, leads_to=reverse("conflict", args=[self.conflict.pk]))

    def _faults_of_text(self) -> list[Fault]:
        try:
            examine(self.conflict, Resolution(document=jsontext.parse(self.form.manual or "")))
        except Invalid as error:
            return _placed(error)
        return []

    def _send_manual(self, *, sure: bool) -> Answer:
        text = self.form.manual or ""
        try:
            document = jsontext.parse(text)
            resolution = Resolution(document=document)
            if self.form.digest != self.conflict.digest:
                raise Moved
            examine(self.conflict, resolution)
            lost = [] if sure else left_out_of(self.conflict, list(self.decisions.values()), document)
            if lost:
                return self.again(manual=text, confirm=text, losses=lost)
            resolve(
                viewer=self.viewer,
                conflict_id=self.conflict.pk,
                digest=self.form.digest,
                resolution=resolution,
                hold=self.hold,
            )
        except (AlreadyDecided, Moved) as error:
            answer = self._refused(error)
            answer.manual = text if isinstance(error, Moved) else None
            return answer
        except Invalid as error:
            return self.again(manual=text, faults=_placed(error), status=WRONG)
        return Answer(self.conflict, leads_to=reverse("conflict", args=[self.conflict.pk]))


def _placed(error: Invalid) -> list[Fault]:
    """The faults with pointers from the document's root."""
    found = [Fault(fault.pointer.removeprefix("/document"), fault.detail) for fault in error.faults]
    return found or [Fault("", error.detail or error.title())]
