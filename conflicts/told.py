"""What somebody has chosen, told in full: the side of each hunk, and every text that was written by hand, valid or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from conflicts.core import Choice, Decision, Merge
from conflicts.core.choosing import fallen
from conflicts.labels import label_at
from conflicts.models import Conflict, Draft, Round, decisions_of
from conflicts.readable import pretty
from conflicts.states import ConflictState
from portal.kit import jsontext


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: to which hunk ("" for a whole place), in a word, and the text that was written. `broken` when it is no valid JSON."""

    where: str
    word: str
    text: str = ""
    written: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """Answers to a place that asks nothing (any more), so that no card shows them."""

    label: str
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody chose: choices and unreadable texts by decision, and where the decisions stood."""

    choices: Mapping[str, Choice]
    texts: Mapping[str, str]
    paths: Mapping[str, str]
    who: str = ""

    def names(self) -> list[str]:
        """The decisions that it says something of."""
        return list(dict.fromkeys((*self.choices, *(name.partition(".")[0] for name in self.texts))))

    def of(self, name: str, decision: Decision | None = None) -> tuple[Said, ...]:
        """What was said of one decision."""
        texts = {key.partition(".")[2]: text for key, text in self.texts.items() if key.partition(".")[0] == name}
        said = told(self.choices.get(name), decision)
        return (*said, *(_broken(hunk, text, decision) for hunk, text in texts.items()))

    def by_path(self, gone: Sequence[str]) -> dict[str, tuple[Said, ...]]:
        """What was said of these decisions, by their places."""
        found: dict[str, tuple[Said, ...]] = {}
        for name in gone:
            if name in self.paths:
                found[self.paths[name]] = found.get(self.paths[name], ()) + self.of(name)
        return found


NOBODY = Answers({}, {}, {})


def drafted(draft: Draft | None) -> Answers:
    """What is kept in a draft."""
    if draft is None:
        return NOBODY
    return Answers(jsontext.load(draft.choices), jsontext.load(draft.raw), jsontext.load(draft.paths))


def fell_away(last: Round | None, decisions: Sequence[Decision], standing: Mapping[str, Choice]) -> Answers:
    """What was decided in the last round and does not stand any more, where nobody has decided again."""
    if last is None:
        return NOBODY
    before = decisions_of(last)
    again = {one.path for one in decisions if one.id in standing and not one.hunks}
    paths = {one.id: one.path for one in before if one.path not in again}
    gone = {name: one for name, one in fallen(decisions, last.read_choices(), before).items() if name in paths}
    return Answers(gone, {}, paths, last.resolved_by)


def left(said: Mapping[str, tuple[Said, ...]], shown: set[str], documents: Sequence[Any]) -> list[Left]:
    """The answers, by their places, to places that no card shows."""
    return [Left(label_at(path, *documents), one) for path, one in said.items() if path not in shown]


@dataclass(frozen=True, slots=True)
class Own:
    """Answers that stand beside the page's own: those to what was there before, and on what is decided, the viewer's."""

    earlier: Mapping[str, tuple[Said, ...]]
    decided: Mapping[str, tuple[Said, ...]]
    yours: Answers
    last: Round | None

    @classmethod
    def of(cls, conflict: Conflict, draft: Draft | None, rounds: Sequence[Round], found: Merge) -> "Own":
        """Out of the viewer's draft and of the round that was decided last."""
        known, mine = {one.id for one in found.decisions}, drafted(draft)
        if conflict.conflict_state is not ConflictState.OPEN:
            return cls({}, {}, mine, None)
        last = next((one for one in reversed(rounds) if one.resolved_by), None)
        fell = fell_away(last, found.decisions, conflict.read_choices())
        old = mine.by_path([name for name in mine.names() if name not in known])
        return cls(old, fell.by_path(fell.names()), NOBODY, last)

    def elsewhere(self, shown: Sequence[Decision], documents: Sequence[Any]) -> list[Left]:
        """The answers to places that ask nothing on this conflict's pages."""
        ids, paths = {one.id for one in shown}, {one.path for one in shown}
        mine = self.yours.by_path([name for name in self.yours.names() if name not in ids])
        return left({**self.decided, **self.earlier}, paths, documents) + left(mine, set(), documents)


def told(choice: Choice | None, decision: Decision | None = None) -> tuple[Said, ...]:
    """A choice in words, one for each hunk that it names."""
    if choice is None:
        return ()
    if isinstance(choice, Mapping) and isinstance(choice.get("hunks"), Mapping):
        hunks = sorted(choice["hunks"].items(), key=lambda pair: (len(pair[0]), pair[0]))
        return tuple(_said(pick, hunk_word(number, decision)) for number, pick in hunks)
    return (_said(choice, ""),)


def _said(choice: Choice, where: str) -> Said:
    if isinstance(choice, Mapping) and "value" in choice:
        value = choice["value"]
        return Said(where, choice_word(choice), value if isinstance(value, str) else pretty(value), written=True)
    return Said(where, choice_word(choice))


def _broken(hunk: str, text: str, decision: Decision | None) -> Said:
    word = _("written by hand, not valid JSON")
    return Said(hunk_word(hunk, decision) if hunk else "", word, text, written=True, broken=True)


def hunk_word(number: str, decision: Decision | None) -> str:
    """What a hunk is called: "Hunk 2", as its card counts those that ask."""
    n = int(number) + 1 if number.isascii() and number.isdigit() else 0
    return _("Hunk %(n)s") % {"n": place_of(decision, n - 1) if decision else n or number}


def place_of(decision: Decision, number: int) -> int:
    """Which of the hunks that ask this one is, counted from 1; of one that does not ask, which of all."""
    if 0 <= number < len(decision.hunks) and decision.hunks[number].asks:
        return sum(one.asks for one in decision.hunks[: number + 1])
    return number + 1


def choice_word(choice: Choice | None) -> str:
    """What was chosen, in words."""
    if isinstance(choice, Mapping):
        return _("written by hand") if "value" in choice else _("by hunks")
    words = {
        "local": _("local"),
        "remote": _("upstream"),
        "base": _("base"),
        "both": _("both, local first"),
        "both-reversed": _("both, upstream first"),
        "suggestion": _("both, merged word by word"),
        "edit": _("written by hand"),
    }
    return words.get(choice or "", choice or "")
