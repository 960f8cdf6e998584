"""The tables of the breakers: what processes share, who tests a half-open one, what each process counts, and what happened."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from portal.kit import clock
from portal.kit.scope import ScopedQuerySet
from resilience.breakers.core.shared import FORCED_OPEN, Shared
from resilience.patterns.typing import State
from resilience.upstreams.models import Upstream

STATES = [(State.CLOSED.value, "Closed"), (State.HALF_OPEN.value, "Half-open"), (State.OPEN.value, "Open")]


class BreakerQuerySet(ScopedQuerySet["Breaker"]):
    """Reads of breakers."""

    organization_path = "upstream__organization_id"

    def out(self) -> "BreakerQuerySet":
        """Those whose upstream counts as out: open or half-open."""
        return self.exclude(state=State.CLOSED.value)

    def unplanned(self) -> "BreakerQuerySet":
        """Those whose upstream is not in planned maintenance: then an open breaker is no trouble."""
        return self.exclude(upstream__component__state="maintenance")

    def resting(self, now: datetime) -> "BreakerQuerySet":
        """Those whose upstream is not sent to freely now: it is out, or asked to be left alone."""
        return self.filter(~Q(state=State.CLOSED.value) | Q(spared_until__gt=now))


class Breaker(models.Model):
    """The breaker of an upstream as all processes share it; see core/shared.py for its fields and moves.

    Rows change by compare-and-set of `version` alone (store.py). `touched` is the database's time of the last change, by which
    processes find what is new. `rejected` counts the calls that were refused since it left the closed state.
    """

    upstream = models.OneToOneField(Upstream, models.CASCADE, primary_key=True, related_name="breaker")
    state = models.CharField(max_length=10, choices=STATES, default=State.CLOSED.value)
    version = models.BigIntegerField(default=0)
    generation = models.BigIntegerField(default=0)
    touched = models.DateTimeField(db_index=True)
    since = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    openings = models.PositiveIntegerField(default=0)
    successes = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True, default="")
    forced = models.CharField(max_length=8, blank=True, default="")
    forced_by = models.CharField(max_length=150, blank=True, default="")
    forced_reason = models.CharField(max_length=300, blank=True, default="")
    forced_until = models.DateTimeField(null=True)
    spared_until = models.DateTimeField(null=True)
    spared_reason = models.CharField(max_length=500, blank=True, default="")
    rejected = models.BigIntegerField(default=0)

    objects = BreakerQuerySet.as_manager()

    def __str__(self) -> str:
        return f"breaker of {self.upstream_id}"

    @property
    def breaker_state(self) -> State:
        """`state` as the enum."""
        return State(self.state)

    @property
    def out(self) -> bool:
        """Whether the upstream counts as out: open or half-open."""
        return self.breaker_state is not State.CLOSED

    @property
    def force(self) -> str:
        """How a person keeps it still: "open", "closed" or "disabled"; "" when nobody does, or its time is over."""
        return self.forced if self.forced_until is None or self.forced_until > clock.now() else ""

    @property
    def forced_open(self) -> bool:
        """Whether a person keeps it open still."""
        return self.force == FORCED_OPEN

    @property
    def why(self) -> str:
        """Why it is not sent to, in words: why it opened, or what it asked for."""
        return self.reason if self.out else self.spared_reason

    def shared(self) -> Shared:
        """The row as a value."""
        said = {name: getattr(self, name) for name in Shared.__slots__ if name != "state"}
        return Shared(state=self.breaker_state, **said)


class Lease(models.Model):
    """The right to make one half-open call: a place among `half_open_max_calls`, until it is given back or runs out."""

    breaker = models.ForeignKey(Breaker, models.CASCADE, related_name="leases", db_index=False)
    place = models.PositiveSmallIntegerField()
    generation = models.BigIntegerField()
    owner = models.CharField(max_length=80)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["breaker", "place"], name="lease_place_once")]

    def __str__(self) -> str:
        return f"{self.breaker_id} #{self.place} of {self.owner}"


class WindowQuerySet(ScopedQuerySet["Window"]):
    """Reads of windows."""

    organization_path = "breaker__upstream__organization_id"


class Window(models.Model):
    """What one process counts about an upstream, published each second while it changes.

    `figures` is JSON text: calls, failures, slow, consecutive, in_window, and `recent`, the last calls as
    [time (epoch seconds), seconds, verdict], with `errors`, the last error texts (masked).
    """

    breaker = models.ForeignKey(Breaker, models.CASCADE, related_name="windows", db_index=False)
    process = models.CharField(max_length=80)
    at = models.DateTimeField()
    generation = models.BigIntegerField()
    figures = models.TextField()

    objects = WindowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["breaker", "process"], name="window_process_once")]

    def __str__(self) -> str:
        return f"{self.breaker_id} in {self.process}"


_BEGUN = Q(before=State.OPEN.value, after=State.HALF_OPEN.value, cause__in=("cool-down", "test-now"))
TESTS = _BEGUN | Q(before=State.HALF_OPEN.value, after=State.OPEN.value, forced="")


class TransitionQuerySet(ScopedQuerySet["Transition"]):
    """Reads of transitions."""

    organization_path = "breaker__upstream__organization_id"

    def opened(self) -> "TransitionQuerySet":
        """Those that left the closed state, the newest first; an index of their own serves them."""
        return self.filter(before=State.CLOSED.value, after=State.OPEN.value).order_by("-pk")

    def tests(self) -> "TransitionQuerySet":
        """The tests of an outage: each began while it was open, and failed. What a person forced is not among them."""
        return self.filter(TESTS)

    def turns(self) -> "TransitionQuerySet":
        """All others."""
        return self.exclude(TESTS)


class Transition(models.Model):
    """One change of a breaker's state, with what caused it. Append only; removed by age.

    `forced` is "open", "closed" or "disabled" where a person forced it then.
    `window` is the JSON text of the window that caused it (as in Window.figures), `lasted` the seconds of the state that it ended,
    `rejected` how many calls were refused in it.
    """

    breaker = models.ForeignKey(Breaker, models.CASCADE, related_name="transitions", db_index=False)
    at = models.DateTimeField()
    before = models.CharField(max_length=10, choices=STATES)
    after = models.CharField(max_length=10, choices=STATES)
    cause = models.CharField(max_length=16)
    reason = models.CharField(max_length=300, blank=True, default="")
    forced = models.CharField(max_length=8, blank=True, default="")
    actor = models.CharField(max_length=150, blank=True, default="")
    process = models.CharField(max_length=80, blank=True, default="")
    window = models.TextField(blank=True, default="")
    lasted = models.FloatField(null=True)
    rejected = models.BigIntegerField(default=0)

    objects = TransitionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["breaker", "-id"], name="transition_listing"),
            models.Index(fields=["breaker", "before", "after", "-id"], name="transition_kinds"),
        ]

    def __str__(self) -> str:
        return f"{self.breaker_id} {self.before} to {self.after}"


class TotalQuerySet(ScopedQuerySet["Total"]):
    """Reads of totals."""

    organization_path = "breaker__upstream__organization_id"


class Total(models.Model):
    """A running number of a breaker over all processes and since ever; it never falls.

    Names: "success", "failure", "ignored", "slow" (calls that ended so), "rejected", and "closed>open" and so on for each change of
    state. Processes that run a `Runtime` add to them once a second, so what one counted in the second in which it was killed is missing.
    """

    breaker = models.ForeignKey(Breaker, models.CASCADE, related_name="totals", db_index=False)
    name = models.CharField(max_length=24)
    value = models.BigIntegerField(default=0)

    objects = TotalQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["breaker", "name"], name="breaker_total_once")]

    def __str__(self) -> str:
        return f"{self.breaker_id} {self.name}"


def values_of(shared: Shared) -> dict[str, Any]:
    """The columns of a row that hold this value."""
    said = {name: getattr(shared, name) for name in Shared.__slots__ if name != "state"}
    return {**said, "state": shared.state.value, "reason": shared.reason[:300]}
