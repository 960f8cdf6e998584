"""Why a component stands as it does, in one short sentence."""

import pytest

from resilience.health import causes
from resilience.health.models import Probe
from resilience.outbound.errors import ConnectFailed


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("It answered 503, not 200-399.", "It answered 503, not 200-399."),
        ("It failed. Read the manual of it.", "It failed."),
        ("timed out", "timed out."),
        ("", ""),
    ],
)
def test_short(long: str, short: str) -> None:
    """What a run says at length is one sentence, which still says what it was."""
    assert causes.short(long) == short


def test_breaker() -> None:
    """What it saw last, and the rule that opened it; without secrets."""
    seen = ConnectFailed("connection refused").brief()
    assert causes.of_breaker(f"5 failures in a row, the last: {seen}") == (
        "Connection refused (its breaker opened: 5 failures in a row)."
    )
    assert causes.of_breaker("5 failures in a row") == "Its breaker opened: 5 failures in a row."
    assert causes.of_breaker("") == "Its breaker opened."
    assert "s3cret" not in causes.of_breaker("Bearer s3cret-token-of-somebody failed")


@pytest.mark.parametrize(
    ("errors", "all_fail", "said"),
    [
        (["It answered 500."], True, "It answered 500."),
        (["It answered 500."], False, "It answered 500 (probe “p0”)."),
        (["It answered 500.", "It answered 500."], True, "It answered 500."),
        (["It answered 500.", "It answered 500."], False, "It answered 500 (probe “p0” and 1 more)."),
        (["It answered 500.", "timed out"], True, "It answered 500 (probe “p0” and 1 more)."),
        (["", "timed out", ""], False, "Not well (probe “p0” and 2 more)."),
    ],
)
def test_probes(errors: list[str], all_fail: bool, said: str) -> None:
    """The first of them tells, and which it is and how many more fail, unless all of the component's fail of the same."""
    probes = [Probe(name=f"p{n}", last_error=error) for n, error in enumerate(errors)]
    assert causes.of_probes(probes, all_fail=all_fail) == said


def test_it_fits_its_field() -> None:
    """However long the sentence, which probe and how many more is not cut off."""
    said = causes.of_probes([Probe(name="p0", last_error="x" * 500), Probe(name="p1")], all_fail=False)
    assert len(said) <= 300
    assert said.endswith("(probe “p0” and 1 more).")


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Connection refused (probe “storage” and 1 more).", "Connection refused."),
        ("It answered 503 (its breaker opened: 5 failures in a row).", "It answered 503."),
        ("It answered (late) with 503.", "It answered (late) with 503."),
        ("", ""),
    ],
)
def test_plain(reason: str, said: str) -> None:
    """A card shows what it is; the title and the list have the rest."""
    assert causes.plain(reason) == said


@pytest.mark.parametrize(
    ("reason", "moment", "said"),
    [
        ("Connection refused.", "00:42", "Connection refused since 00:42"),
        ("It answered 503, not 200-399.", "00:42", "It answered 503, not 200-399, since 00:42"),
        (
            "Connection refused (probe “storage” and 1 more).",
            "00:42",
            "Connection refused since 00:42 (probe “storage” and 1 more)",
        ),
        ("alice says: The vendor moves", "00:42", "alice says: The vendor moves, since 00:42"),
        ("", "00:42", "since 00:42"),
        ("Connection refused.", "", "Connection refused."),
    ],
)
def test_since(reason: str, moment: str, said: str) -> None:
    """It reads as a sentence with its moment."""
    assert causes.since(reason, moment) == said
