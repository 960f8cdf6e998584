"""Testing an upstream because a person asks for it: one call that goes out at once, and that its breaker counts."""

from django.utils.translation import gettext as _

from portal.kit import clock
from portal.kit.errors import Conflicting, NotFound, Unavailable
from portal.kit.viewer import Permission, Viewer
from resilience.breakers.actions.moving import move
from resilience.breakers.core import shared
from resilience.breakers.here import breaker_of, runtime
from resilience.breakers.models import Breaker
from resilience.patterns.errors import CircuitOpenError
from resilience.patterns.machine import Permit
from resilience.patterns.typing import State, Verdict
from resilience.upstreams.actions.test_connection import Tested, test_connection
from resilience.upstreams.models import Upstream


class NoGoodAnswer(Exception):
    """What a breaker keeps of a test that found the upstream down."""

    code = "TEST_FAILED"


def test_now(*, viewer: Viewer, upstream_id: int) -> Tested:
    """What the upstream answers to one GET of its address, counted by its breaker.

    An open breaker becomes half-open for it, without waiting for the cool-down; one that a person keeps open stays so (Conflicting).
    While it is half-open the test is one of its calls and takes a place (Unavailable when all are taken).
    """
    upstream = Upstream.objects.for_org(viewer).filter(pk=upstream_id).first()
    if upstream is None:
        raise NotFound
    viewer.require(Permission.OPERATE, upstream.organization_id)
    _let_through(viewer, upstream)
    permit = _permit(upstream)
    try:
        tested = test_connection(viewer=viewer, upstream_id=upstream_id)
    except BaseException:
        permit.done(Verdict.IGNORED)
        raise
    failed = tested.verdict is Verdict.FAILURE
    permit.done(tested.verdict, tested.seconds, NoGoodAnswer(tested.brief or tested.sentence) if failed else None)
    runtime().round()
    return tested


def _let_through(viewer: Viewer, upstream: Upstream) -> None:
    """Makes an open breaker half-open."""
    row = Breaker.objects.for_org(viewer).filter(pk=upstream.pk).first()
    if row is None or row.breaker_state is not State.OPEN:
        return
    if row.forced_open and row.forced_until is not None and row.forced_until > clock.now():
        said = {"who": row.forced_by, "why": row.forced_reason}
        raise Conflicting(_("%(who)s keeps the breaker open: %(why)s. Reset it to end that, then test.") % said)
    why = _("tested by %s") % viewer.name
    move(
        viewer=viewer,
        upstream_id=upstream.pk,
        permission=Permission.OPERATE,
        step=lambda known, now: shared.test_now(known, now, reason=why),
        cause="test-now",
    )


def _permit(upstream: Upstream) -> Permit:
    try:
        return breaker_of(upstream).admit()
    except CircuitOpenError:
        detail = _("All test calls that the breaker allows at a time are out. Try again when one is back.")
        raise Unavailable(detail) from None
