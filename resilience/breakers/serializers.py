"""Breakers as the REST API describes them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from resilience.breakers import counted
from resilience.breakers.figures import Figures
from resilience.breakers.models import Breaker, Transition
from resilience.patterns.typing import State, Verdict
from resilience.upstreams.models import Upstream

STATES = [state.value for state in State]
PLAIN = ("since", "opened_at", "openings", "successes", "reason", "rejected", "spared_until", "spared_reason")


class ForcedSerializer(serializers.Serializer[Any]):
    """How a person took it out of its own hands."""

    how = serializers.ChoiceField(choices=["open", "closed", "disabled"])
    by = serializers.CharField()
    reason = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)


class WindowSerializer(serializers.Serializer[Any]):
    """What is counted in the present state. Each process counts for itself: sums, and the highest of any process."""

    processes = serializers.IntegerField()
    calls = serializers.IntegerField()
    failures = serializers.IntegerField()
    slow = serializers.IntegerField()
    consecutive = serializers.IntegerField(help_text=_("Failures in a row, in the process that has most."))
    health_score = serializers.FloatField(allow_null=True, help_text=_("0 to 100, of the process that has least."))


class BreakerSerializer(serializers.Serializer[Any]):
    """A breaker as all processes share it."""

    upstream = serializers.CharField()
    organization = serializers.CharField()
    policy = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    since = serializers.DateTimeField(allow_null=True)
    opened_at = serializers.DateTimeField(allow_null=True, help_text=_("When it left the closed state."))
    tests_at = serializers.DateTimeField(allow_null=True, help_text=_("When it is half-open at the earliest."))
    openings = serializers.IntegerField(help_text=_("How often it opened without closing in between."))
    successes = serializers.IntegerField(help_text=_("Good answers while it is half-open."))
    reason = serializers.CharField(allow_blank=True, help_text=_("Why it came to the present state."))
    opened_reason = serializers.CharField(
        allow_blank=True, help_text=_("Why it left the closed state, also after many tests; empty while it is closed.")
    )
    rejected = serializers.IntegerField(help_text=_("Calls refused since it left the closed state."))
    forced = ForcedSerializer(allow_null=True)
    spared_until = serializers.DateTimeField(allow_null=True, help_text=_("The upstream asked for a rest until then."))
    spared_reason = serializers.CharField(allow_blank=True)
    window = WindowSerializer()


class FigureSerializer(serializers.Serializer[Any]):
    """A figure in force, as governance/policy.yml would write it, and where it was said."""

    key = serializers.CharField()
    value = serializers.JSONField()
    unit = serializers.CharField(allow_blank=True)
    source = serializers.CharField(  # type: ignore[assignment]
        help_text=_("upstream, policy <name>, the file with its line, or built in.")
    )


class CallSerializer(serializers.Serializer[Any]):
    """One of the last calls."""

    at = serializers.DateTimeField()
    seconds = serializers.FloatField()
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    slow = serializers.BooleanField()


class BreakerWholeSerializer(BreakerSerializer):
    """A breaker with its figures and its last calls."""

    figures = FigureSerializer(many=True)
    recent = CallSerializer(many=True, help_text=_("The last 60 calls over all processes, the oldest first."))


class TransitionSerializer(serializers.Serializer[Any]):
    """A change of a breaker's state."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    before = serializers.ChoiceField(choices=STATES)
    after = serializers.ChoiceField(choices=STATES)
    cause = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    forced = serializers.CharField(
        allow_blank=True, help_text=_("open, closed or disabled, where a person forced it then.")
    )
    actor = serializers.CharField(allow_blank=True)
    process = serializers.CharField(allow_blank=True)
    lasted = serializers.FloatField(allow_null=True, help_text=_("Seconds of the state that ended."))
    rejected = serializers.IntegerField(help_text=_("Calls refused in it."))
    window = serializers.JSONField(
        help_text=_("What was counted then: calls, failures, slow, the last calls and errors.")
    )


class ForceSerializer(serializers.Serializer[Any]):
    """Why, and until when."""

    reason = serializers.CharField(max_length=300)
    until = serializers.DateTimeField(
        required=False, allow_null=True, help_text=_("An hour from now unless said; seven days at most.")
    )


class ResetAllSerializer(serializers.Serializer[Any]):
    """What was reset."""

    reset = serializers.IntegerField()
    breakers = BreakerSerializer(many=True)


def represent(
    breaker: Breaker,
    upstream: Upstream,
    published: Sequence[counted.Figures],
    moved_at: datetime | None,
    opened: Transition | None,
    *,
    figures: Figures | None = None,
) -> Mapping[str, Any]:
    """A breaker as JSON, with what was counted since it moved last and what opened it; with `figures` the whole of it."""
    now = counted.present(published, moved_at)
    forced = {
        "how": breaker.forced,
        "by": breaker.forced_by,
        "reason": breaker.forced_reason,
        "until": breaker.forced_until,
    }
    shown = {
        "upstream": upstream.slug,
        "organization": upstream.organization.slug,
        "policy": upstream.policy,
        "state": breaker.state,
        **{name: getattr(breaker, name) for name in PLAIN},
        "opened_reason": opened.reason if opened else "",
        "tests_at": breaker.open_until,
        "forced": forced if breaker.force else None,
        "window": {
            "processes": len(now),
            "calls": sum(one.calls for one in now),
            "failures": sum(one.failures for one in now),
            "slow": sum(one.slow for one in now),
            "consecutive": max((one.consecutive for one in now), default=0),
            "health_score": min((one.score for one in now if one.score is not None), default=None),
        },
    }
    if figures is None:
        return shown
    table = [{"key": one.key, "value": one.value, "unit": one.unit, "source": one.source} for one in figures.table]
    calls = counted.last_calls(published)
    recent = [{"at": one.at, "seconds": one.seconds, "verdict": one.verdict.value, "slow": one.slow} for one in calls]
    return {**shown, "figures": table, "recent": recent}


def represent_transition(transition: Transition) -> Mapping[str, Any]:
    """A transition as JSON."""
    plain = ("id", "at", "before", "after", "cause", "reason", "forced", "actor", "process", "lasted", "rejected")
    window = json.loads(transition.window) if transition.window else None
    return {**{name: getattr(transition, name) for name in plain}, "window": window}
