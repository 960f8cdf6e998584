"""One walk over base, local and remote at once: without choices it is the merge, with choices the resolution.

Objects are walked member by member, lists as their policy says (lists.py), texts passage by passage (text.py), and what is left is
one unit: equal changes count once, a change of one side alone is taken, and two different ones ask. What nobody changed is never
entered, and stands in the result as the very object of the remote document.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from conflicts.core import reasons
from conflicts.core.choices import NO_FORM, UNDECIDED, UNKNOWN, options_of, taken, together
from conflicts.core.decisions import MISSING, Choice, ChoiceError, Decision, Merge
from conflicts.core.diff import Work
from conflicts.core.equality import alike, canonical, fingerprint, same
from conflicts.core.globs import Spot
from conflicts.core.limits import check_depth
from conflicts.core.lists import merge_list
from conflicts.core.place import Finding, Place, Settled
from conflicts.core.rules import Rule, Rules, TextPolicy, ValuePolicy, parse_rules
from conflicts.core.text import merge_text
from conflicts.core.values import by_policy, conflict, one_sided


def merge(base: Any, local: Any, remote: Any, rules: Mapping[str, Any] | Rules | None = None) -> Merge:
    """What two sides made of a document: a draft, and a decision for each place where a side differs from the base.

    The three are JSON values or MISSING, and are not changed; the draft shares with them what it does not change.
    Raises RulesError, and TooDeep for a document that is nested too deeply.
    """
    walk = _Walk(parse_rules(rules), {}, partial=True)
    draft = walk.run(base, local, remote)
    return Merge(draft, tuple(walk.decisions))


def resolve(
    base: Any,
    local: Any,
    remote: Any,
    rules: Mapping[str, Any] | Rules | None,
    choices: Mapping[str, Choice],
    *,
    partial: bool = False,
) -> Any:
    """The document that follows from the choices, by the ids of their decisions; MISSING when they take it away.

    Automatic decisions need no choice. With `partial`, what is undecided stands as in base; otherwise it raises ChoiceError,
    as do choices for decisions that there are not, and choices that do not fit.
    """
    walk = _Walk(parse_rules(rules), choices, partial=partial)
    document = walk.run(base, local, remote)
    known = {decision.id for decision in walk.decisions}
    for unknown in choices:
        if unknown not in known:
            raise ChoiceError(unknown, UNKNOWN)
    return document


class _Walk:
    def __init__(self, rules: Rules, choices: Mapping[str, Choice], *, partial: bool) -> None:
        self.rules = rules
        self.choices = choices
        self.partial = partial
        self.inside = False
        self.work = Work()
        self.decisions: list[Decision] = []

    def run(self, base: Any, local: Any, remote: Any) -> Any:
        for document in (base, local, remote):
            check_depth(document)
        if same(local, base) and same(remote, base):
            return remote
        return self.walk(Place("", "", self.rules.root), base, local, remote)

    def walk(self, place: Place, base: Any, local: Any, remote: Any) -> Any:
        """The merged value of a place where a side may differ from the base."""
        policy = place.policy
        if isinstance(policy, ValuePolicy):
            if same(local, base) and same(remote, base):
                return remote
            return self.settle(place, by_policy(place, policy, base, local, remote))
        if isinstance(local, dict) and isinstance(remote, dict) and isinstance(base, dict):
            return self._object(place, base, local, remote)
        if isinstance(local, list) and isinstance(remote, list) and isinstance(base, list):
            return merge_list(self, place, base, local, remote)
        if isinstance(local, str) and isinstance(remote, str) and isinstance(base, str) and _is_text(place, base):
            return self._text(place, base, local, remote)
        return self._unit(place, base, local, remote)

    def _unit(self, place: Place, base: Any, local: Any, remote: Any) -> Any:
        """A place that is one unit, unless both sides added something there that can be merged."""
        finding = one_sided(base, local, remote)
        if finding is None and base is MISSING:
            if isinstance(local, dict) and isinstance(remote, dict):
                return self._added(place, local, remote)
            if isinstance(local, list) and isinstance(remote, list):
                return merge_list(self, place, base, local, remote)
        return self.settle(place, finding or self._contested(place, base, local, remote))

    def _added(self, place: Place, local: dict[str, Any], remote: dict[str, Any]) -> Any:
        """An object that both sides added."""
        if self.inside:
            return self._object(place, {}, local, remote)
        finding = Finding("add-add", "auto:object", MISSING, local, remote, reasons.MERGED_ADDITIONS)
        return self.within(place, finding, lambda: self._object(place, {}, local, remote))

    def _contested(self, place: Place, base: Any, local: Any, remote: Any) -> Finding:
        """What is found where the sides differ from the base and from each other."""
        if local is MISSING and self._unchanged(place.spot, base, remote):
            return Finding("value", "local", base, local, remote, reasons.DELETED_UNCHANGED)
        if remote is MISSING and self._unchanged(place.spot, base, local):
            return Finding("value", "remote", base, local, remote, reasons.DELETED_UNCHANGED)
        finding = conflict(base, local, remote)
        texts = isinstance(local, str) and isinstance(remote, str) and _is_text(place, local, remote)
        return replace(finding, both=_both_texts(local, remote)) if texts and base is MISSING else finding

    def _object(self, place: Place, base: dict[str, Any], local: dict[str, Any], remote: dict[str, Any]) -> Any:
        merged = remote
        for key in _keys(base, local, remote):
            before, ours, theirs = base.get(key, MISSING), local.get(key, MISSING), remote.get(key, MISSING)
            if alike(ours, before) and alike(theirs, before):
                continue
            value = self.walk(place.member(key, local, remote), before, ours, theirs)
            if value is theirs:
                continue
            if merged is remote:
                merged = dict(remote)
            if value is MISSING:
                del merged[key]
            else:
                merged[key] = value
        return merged

    def _text(self, place: Place, base: str, local: str, remote: str) -> Any:
        policy = place.policy
        pieces = merge_text(base, local, remote, policy.how if isinstance(policy, TextPolicy) else "lines", self.work)
        simple = one_sided(base, local, remote, "text")
        action = simple.action if simple else pieces.action("text")
        if not simple and action != "conflict":
            action = "auto:text"
        reason = reasons.SAME_PASSAGE if action == "conflict" else reasons.MERGED_TEXT
        return self.settle(
            place,
            Finding(
                "text",
                action,
                base,
                local,
                remote,
                simple.reason if simple else reason,
                merged=pieces.merged() if any(not hunk.asks for hunk in pieces.hunks) else base,
                pieces=pieces,
                by_rule=isinstance(policy, TextPolicy) and simple is None,
            ),
        )

    def _unchanged(self, spot: Spot[Rule], base: Any, side: Any) -> bool:
        """Whether a side changed nothing but what is transient."""
        if same(base, side):
            return True
        if spot.found and isinstance(spot.found.policy, ValuePolicy) and spot.found.policy.transient:
            return True
        if not self.rules.maybe_transient(spot):
            return False
        if isinstance(base, dict) and isinstance(side, dict):
            keys = _keys(base, side, side)
            return all(self._unchanged(spot.step(key), base.get(key, MISSING), side.get(key, MISSING)) for key in keys)
        if isinstance(base, list) and isinstance(side, list) and len(base) == len(side):
            return all(self._unchanged(spot.item(), *pair) for pair in zip(base, side, strict=True))
        return False

    # What a decision comes to

    def settle(self, place: Place, finding: Finding) -> Any:
        """Notes a decision and gives the value that follows from it and from what was chosen."""
        decision, choice = self.decide(place, finding)
        if choice is not None:
            return taken(decision, finding, choice, partial=self.partial)
        match finding.action:
            case "local":
                return finding.local
            case "remote" | "same":
                return finding.remote
            case "conflict":
                return finding.merged if finding.pieces else finding.base
        return finding.merged

    def decide(self, place: Place, finding: Finding) -> Settled:
        """Notes a decision and gives what was chosen for it; raises when something must be chosen and was not."""
        decision = _decision(place, finding)
        self.decisions.append(decision)
        choice = self.choices.get(decision.id)
        if choice is None and decision.asks and not self.partial:
            raise ChoiceError(decision.id, UNDECIDED)
        if finding.options and choice is not None and choice not in finding.options:
            raise ChoiceError(decision.id, NO_FORM)
        return Settled(decision, choice)

    def within(self, place: Place, finding: Finding, inside: Callable[[], Any]) -> Any:
        """Notes a decision over a place whose inside is merged too: a choice for it overrules the choices inside."""
        decision, choice = self.decide(place, finding)
        partial = self.partial
        self.inside, self.partial = True, partial or choice is not None
        merged = inside()
        self.inside, self.partial = False, partial
        return merged if choice is None else taken(decision, finding, choice, partial=self.partial)


def _decision(place: Place, finding: Finding) -> Decision:
    values = finding.identities or (finding.base, finding.local, finding.remote)
    pieces = finding.pieces
    suggestion = pieces.suggested() if pieces else None
    return Decision(
        id=fingerprint(place.trail, finding.kind, *map(canonical, values)),
        path=place.path,
        kind=finding.kind,
        action=finding.action,
        base=finding.base,
        local=finding.local,
        remote=finding.remote,
        reason=finding.reason,
        hunks=pieces.hunks if pieces else (),
        suggestion=MISSING if suggestion is None else suggestion,
        key=place.key,
        rule=place.glob if finding.by_rule else "",
        options=options_of(finding),
    )


def _keys(base: dict[str, Any], local: dict[str, Any], remote: dict[str, Any]) -> Iterable[str]:
    """The keys of all versions in the order of the document."""
    if base.keys() == local.keys() == remote.keys():
        return base
    return dict.fromkeys([*base, *remote, *local])


def _is_text(place: Place, *texts: str) -> bool:
    return isinstance(place.policy, TextPolicy) or any("\n" in text for text in texts)


def _both_texts(local: str, remote: str) -> Callable[[bool], str]:
    def both(reverse: bool) -> str:
        return str(together(remote, local) if reverse else together(local, remote))

    return both
