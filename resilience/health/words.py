"""Health in words: what a card, an outage, a part of the score and a moment of a timeline say."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.kit import clock
from portal.web import formats
from portal.web.vocabulary import sign
from resilience.health.actions.check_now import Checked
from resilience.health.core.eta import Source
from resilience.health.core.states import Importance, Severity, State
from resilience.health.expecting import source_of
from resilience.health.models import Outage, Probe
from resilience.health.providers import Impact


def of_data(seconds: float) -> str:
    """Of how much data a figure is, "of 5 min"; "" where that goes without saying."""
    return _("of %s") % formats.age(seconds) if seconds else ""


EXACT = 0.05
"""What one decimal does not show."""


def moment_of(at: datetime, *, seconds: bool = False) -> str:
    """A moment in the reader's zone, with its day where that is not today."""
    return formats.moment(at, timezone.localtime(clock.now()).date(), seconds=seconds)


def state_word(state: str) -> str:
    """The word of a state, as the status vocabulary says it."""
    return str(sign(state).word)


def latency(ms: float | None) -> str:
    """Milliseconds as a person reads them: "212 ms", "8.4 s"; a dash without data."""
    return formats.duration(None if ms is None else ms / 1_000)


def availability(share: float | None) -> str:
    """A share of time: "99.41 %". It is 100 % only when nothing is missing, and a dash without data."""
    if share is None:
        return formats.MISSING
    if share >= 1:
        return f"{formats.number(100)}{formats.GAP}%"
    places = 2 if share < 0.9999 else 3
    return f"{formats.number(min(int(share * 10 ** (places + 2)) / 10**places, 99.999), places)}{formats.GAP}%"


def lost(points: float) -> str:
    """Points that were lost: whole ones as they are, else with a decimal, so that they add up with what is left."""
    whole = abs(points - round(points)) < EXACT
    return formats.number(points, 0 if whole else 1 if points >= EXACT else 2)


def shortened(text: str, most: int = 60) -> str:
    """The first words of a text; what is cut off is shown in full elsewhere."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def severity(outage: Outage) -> str:
    """How bad it is."""
    return {
        Severity.MINOR: _("severity minor"),
        Severity.MAJOR: _("severity major"),
        Severity.CRITICAL: _("severity critical"),
    }[Severity(outage.severity)]


def opened(outage: Outage) -> str:
    """Who opened it."""
    return _("recorded by %s") % outage.opened_by if outage.by_hand else _("opened by itself")


def recorded(who: str, found: Sequence[State]) -> str:
    """Who recorded an outage, and how the component's probes find it meanwhile."""
    said = {"who": who, "n": formats.number(len(found)), "state": ""}
    if not found or not all(state.known for state in found):
        return _("recorded by %(who)s") % said
    worst = State.SLOW if State.SLOW in found else State.UP
    said["state"] = state_word(worst.value).lower()
    return (
        ngettext(
            "recorded by %(who)s; its probe finds it %(state)s",
            "recorded by %(who)s; its %(n)s probes find it %(state)s",
            len(found),
        )
        % said
    )


def expected_source(outage: Outage) -> str:
    """What the expected end rests on, in words."""
    said = {"n": outage.expected_of, "text": outage.expected_text}
    match source_of(outage):
        case Source.PERSON:
            return outage.expected_text or _("said by a person")
        case Source.MAINTENANCE:
            return _("the end of the planned maintenance")
        case Source.PAST:
            middle = outage.expected_at - outage.began_at if outage.expected_at else None
            said["median"] = formats.age(middle)
            return (
                ngettext(
                    "its last outage of this kind took %(median)s",
                    "median of %(n)d past outages is %(median)s",
                    outage.expected_of,
                )
                % said
            )
        case Source.TEST:
            return _("the next tests, if they are good")
    return ""


def spread(outage: Outage) -> str:
    """Between what times half of the past outages ended; "" when it does not rest on them."""
    if outage.expected_low is None or outage.expected_high is None:
        return ""
    low, high = formats.age(outage.expected_low), formats.age(outage.expected_high)
    return "" if low == high else _("half of them took %(low)s to %(high)s") % {"low": low, "high": high}


def waiting(n: int, slug: str) -> Impact:
    """How much waits for an upstream, as a line of what its outage means."""
    said = ngettext("%(n)s change", "%(n)s changes", n) % {"n": formats.number(n)}
    return Impact(_("Waiting"), said, n, f"/resilience/queue?upstream={slug}", _("none lost"))


def importance(value: Importance) -> str:
    """How much a component counts."""
    return {
        Importance.NORMAL: _("normal"),
        Importance.HIGH: _("high"),
        Importance.CRITICAL: _("critical"),
    }[value]


def metadata(text: str) -> str:
    """What a run found beside its answer, as "status 200, bytes 512"; the text itself where it is no object."""
    if not text:
        return ""
    try:
        said = json.loads(text)
    except ValueError:
        return text[:200]
    if not isinstance(said, dict):
        return str(said)[:200]
    return ", ".join(_found(str(name), value) for name, value in said.items())[:200]


def _found(name: str, value: object) -> str:
    """One thing that a run found: our own figures as people say them, what others tell as it is called."""
    ours = {
        "free_percent": _("{n} percent free"),
        "free_inodes_percent": _("{n} percent of the inodes free"),
        "duties": _("{n} duties"),
        "running": _("{n} held"),
        "connect_ms": _("connected in {n} ms"),
    }
    return ours[name].replace("{n}", str(value)) if name in ours else f"{name.replace('_', ' ')} {value}"


def interval(seconds: float) -> str:
    """How often: "every 30 s"."""
    return _("every %s") % formats.duration(seconds)


def rhythm(probes: Sequence[Probe]) -> str:
    """How often a component is asked, by its quickest probe."""
    asked = [probe.interval for probe in probes if probe.enabled]
    if not asked:
        return _("no probe")
    return _("probe every %s") % formats.duration(min(asked))


def thresholds(probe: Probe) -> str:
    """When a probe goes down, up and slow, in one sentence."""
    said = [
        ngettext("down after %d failure in a row", "down after %d failures in a row", probe.failures_to_down)
        % probe.failures_to_down,
        ngettext("up after %d success", "up after %d successes", probe.successes_to_up) % probe.successes_to_up,
    ]
    if probe.slow_after_ms:
        said.append(_("slow from %s") % latency(probe.slow_after_ms))
    return ", ".join(said)


def more_probes(by_word: Mapping[str, int]) -> str:
    """How the probes stand that have no row of their own: "8 more probes, all up", "9 more probes: 1 slow, 8 up"."""
    n = sum(by_word.values())
    more = ngettext("%(n)s more probe", "%(n)s more probes", n) % {"n": formats.number(n)}
    if len(by_word) == 1 and n > 1:
        return _("%(more)s, all %(word)s") % {"more": more, "word": next(iter(by_word))}
    told = ", ".join(f"{formats.number(count)} {word}" if n > 1 else word for word, count in by_word.items())
    return _("%(more)s: %(told)s") % {"more": more, "told": told}


def checked(found: Checked) -> str:
    """What a check by hand found, in one sentence."""
    said = {"name": found.name, "took": latency(found.ms), "error": found.error}
    if found.blind:
        return _("%(name)s: nothing at all could be reached, so this says nothing about it.") % said
    if not found.ok:
        return _("%(name)s is not well: %(error)s") % said if found.error else _("%(name)s is not well.") % said
    return _("%(name)s answered in %(took)s.") % said


def asked_all(asked: int, done: int, left: int) -> str:
    """What became of asking after everything."""
    said = {"n": formats.number(asked), "done": formats.number(done), "left": formats.number(left)}
    told = ngettext(
        "%(n)s component is asked, %(done)s answered so far.",
        "%(n)s components are asked, %(done)s answered so far.",
        asked,
    )
    if left:
        told += " " + ngettext("%(left)s other has its turn as ever.", "%(left)s others have their turn as ever.", left)
    return told % said


def days_said(kinds: Sequence[str]) -> str:
    """A strip of days in one sentence, for those who do not see it."""
    said = [
        ngettext("%d day with an outage", "%d days with an outage", n) % n if (n := kinds.count("down")) else "",
        ngettext("%d slow day", "%d slow days", n) % n if (n := kinds.count("slow")) else "",
        ngettext("%d day without data", "%d days without data", n) % n if (n := kinds.count("none")) else "",
    ]
    told = ", ".join(part for part in said if part) or _("no outage")
    return _("The last %(n)d days: %(told)s.") % {"n": len(kinds), "told": told}


def states_said(names: dict[State, list[str]]) -> str:
    """Who is not well, for those who listen: "Down: Plans API. Slow: OpenAI."."""
    told = [
        f"{state_word(state)}: {', '.join(names[state][:5])}{_(' and more') if len(names[state]) > 5 else ''}."
        for state in (State.DOWN, State.SLOW)
        if names.get(state)
    ]
    return " ".join(told) or _("Nothing is down or slow.")
