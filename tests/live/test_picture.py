"""A picture tells its readers what changed, whenever they come and from wherever they resume."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.kit import clock
from portal.kit.viewer import Viewer
from portal.live.core.doubt import concerns
from portal.live.core.entries import Entry, Message, together
from portal.live.core.picture import Picture

FIGURES = st.fixed_dictionaries(
    {
        "score": st.one_of(st.none(), st.integers(0, 3)),
        "components": st.dictionaries(st.integers(1, 6), st.integers(0, 2), max_size=6).map(
            lambda rows: [{"id": key, "state": state} for key, state in rows.items()]
        ),
    }
)


class Reader:
    """A page that keeps what it was told."""

    def __init__(self, whole: dict[str, Any]) -> None:
        self.values = {name: value for name, value in whole.items() if name != "components"}
        self.rows = {row["id"]: row for row in whole["components"]}

    def hear(self, told: dict[str, Any]) -> None:
        """Puts a change in its place."""
        for row in told.get("components", []):
            self.rows[row["id"]] = row
        for key in told.get("removed", {}).get("components", []):
            self.rows.pop(key, None)
        self.values |= {name: value for name, value in told.items() if name not in ("components", "removed")}

    def sees(self, figures: dict[str, Any]) -> bool:
        """Whether it shows these figures."""
        return self.values == {"score": figures["score"]} and self.rows == {
            row["id"]: row for row in figures["components"]
        }


@given(st.lists(FIGURES, min_size=1, max_size=12), st.data())
def test_a_reader_always_sees_the_present(course: list[dict[str, Any]], data: st.DataObject) -> None:
    """One who hears every change, and one who comes back after having missed some, both end with the present figures."""
    picture = Picture(["components"])
    reader = Reader(picture.take(course[0], 10))
    away, since = Reader(picture.whole()), 10
    for step, figures in enumerate(course[1:], start=1):
        told = picture.take(figures, 10 + step)
        reader.hear(told)
        assert reader.sees(figures)
        assert bool(told) == (figures != course[step - 1]) or not told
        if data.draw(st.booleans()):
            missed = picture.since(since)
            if missed is None:
                away = Reader(picture.whole())
            else:
                away.hear(missed)
            since = 10 + step
            assert away.sees(figures)


def test_a_picture_reaches_back_to_where_it_began() -> None:
    """Before that, and at that very point, only the whole will do."""
    picture = Picture(["components"])
    assert picture.since(5) is None
    picture.take({"score": 1, "components": []}, 5)
    assert picture.since(4) is None
    assert picture.since(5) is None
    assert picture.since(6) == {}


def test_a_row_that_is_alike_stays_as_it_was_told() -> None:
    """Small steps add up: the row is held against what was told last."""
    picture = Picture(["rows"], alike=lambda before, after: abs(before["ms"] - after["ms"]) < 5)
    picture.take({"rows": [{"id": 1, "ms": 10}]}, 1)
    assert picture.take({"rows": [{"id": 1, "ms": 13}]}, 2) == {}
    assert picture.whole() == {"rows": [{"id": 1, "ms": 10}]}
    assert picture.take({"rows": [{"id": 1, "ms": 16}]}, 3) == {"rows": [{"id": 1, "ms": 16}]}


def test_messages_told_together_have_one_id() -> None:
    """The last one has the id of that which knows least, so that nobody resumes behind what was not yet read."""
    told = together([Message("a", 7, "{}"), Message("b", 5, "{}"), Message("c", 9, "{}")])
    assert [one.id for one in told] == [None, None, 5]
    assert told[0].as_event == b"event: a\ndata: {}\n\n"
    assert told[0].as_frame == '{"topic":"a","data":{}}'


def test_whom_an_event_makes_doubtful() -> None:
    """Only the one whom it is about."""
    bob = Viewer(user_id=7, name="bob", token_id=3)

    def event(verb: str, subject: str, data: str = "") -> Entry:
        return Entry(1, clock.now(), 1, "alice", verb, subject, data)

    assert concerns(event("account.signed_out", "user:7"), bob)
    assert not concerns(event("account.signed_out", "user:8"), bob)
    assert not concerns(event("account.signed_in", "user:7"), bob)
    assert concerns(event("member.removed", "membership:1", '{"user":"bob"}'), bob)
    assert not concerns(event("member.removed", "membership:1", '{"user":"dora"}'), bob)
    assert concerns(event("token.revoked", "token:3"), bob)
    assert not concerns(event("token.revoked", "token:4"), bob)
    assert not concerns(event("item.failed", "item:7"), bob)
