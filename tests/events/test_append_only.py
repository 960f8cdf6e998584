"""The log cannot be changed, from the database either; only retention removes, by age."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from portal.events.actions.retain import deletable, retain
from portal.events.models import Event, EventRetention
from portal.events.record import record

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def write(verb: str = "item.queued", *, days: float = 0) -> Event:
    """One event that is `days` old."""
    return record(verb=verb, subject="item:1", actor="alice", organization_id=1, at=NOW - timedelta(days=days))


def run(sql: str) -> None:
    """Says something to the database as an operator with a shell would."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql", ["UPDATE events_event SET verb = 'x'", "UPDATE events_event SET data = '' WHERE id > 0"]
)
def test_update_is_refused(sql: str) -> None:
    """Nobody changes what was written, whatever its age and wherever the moment stands."""
    write(days=4_000)
    with pytest.raises(DatabaseError, match="An event is never changed"), deletable(before=NOW):
        run(sql)
    assert Event.objects.get().verb == "item.queued"


def test_upsert_is_refused() -> None:
    """Neither form of an upsert gets around the triggers."""
    event = write()
    columns = "(id, at, verb, subject, actor, data, request_id, organization_name)"
    values = f"({event.id}, '2020-01-01 00:00:00', 'x', 'x', '', '', '', '')"
    forms = [f"INSERT INTO events_event {columns} VALUES {values} ON CONFLICT (id) DO UPDATE SET verb = 'x'"]
    if connection.vendor == "sqlite":
        forms.append(f"REPLACE INTO events_event {columns} VALUES {values}")
    for form in forms:
        with pytest.raises(DatabaseError, match="An event is never changed"):
            run(form)
    assert Event.objects.get().verb == "item.queued"


def test_delete_is_refused() -> None:
    """A plain DELETE is refused, and what stands there stays."""
    write(days=4_000)
    with pytest.raises(DatabaseError, match="removed by age only"):
        run("DELETE FROM events_event")
    assert Event.objects.count() == 1


def test_delete_is_refused_from_the_moment_on() -> None:
    """Within the switch only what is older than the moment goes; an event at the moment itself stays."""
    write(days=2)
    at_the_moment = write(days=1)
    with deletable(before=NOW - timedelta(days=1)):
        run(f"DELETE FROM events_event WHERE id < {at_the_moment.id}")
        with pytest.raises(DatabaseError, match="removed by age only"):
            run(f"DELETE FROM events_event WHERE id = {at_the_moment.id}")
    assert list(Event.objects.all()) == [at_the_moment]


def test_without_the_moment_nothing_goes() -> None:
    """Taking the one row away opens nothing."""
    write(days=4_000)
    EventRetention.objects.all().delete()
    with pytest.raises(DatabaseError, match="removed by age only"):
        run("DELETE FROM events_event")


def test_there_is_one_moment() -> None:
    """A second row of retention is refused."""
    with pytest.raises(DatabaseError):
        EventRetention.objects.create(id=2, delete_before=NOW)


@pytest.mark.postgres_only
def test_truncate_is_refused() -> None:
    """TRUNCATE, which asks no row, is refused, also while retention runs."""
    write(days=4_000)
    with pytest.raises(DatabaseError, match="cannot be emptied"):
        run("TRUNCATE events_event")
    with pytest.raises(DatabaseError, match="cannot be emptied"), deletable(before=NOW - timedelta(days=30)):
        run("TRUNCATE events_event")


@pytest.mark.sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_bare_connection_is_refused() -> None:
    """The triggers stand in the database, not in our settings: a bare sqlite3 shell is refused too."""
    write()
    bare = connection.connection
    assert isinstance(bare, sqlite3.Connection)
    with pytest.raises(sqlite3.DatabaseError, match="An event is never changed"):
        bare.execute("UPDATE events_event SET verb = 'x'")


def test_retention_keeps_moves_30_days_and_the_rest_400() -> None:
    """Moves of items and lanes go after 30 days, what people did after 400, and the removal is told."""
    kept = [write(days=29), write("upstream.paused", days=399), write("itemized", days=31)]
    write(days=31)
    write("lane.held", days=31)
    write("upstream.paused", days=401)
    removed = retain(now=NOW)
    assert (removed.moves, removed.rest) == (2, 1)
    assert list(Event.objects.exclude(verb="events.retained").order_by("id")) == kept
    assert Event.objects.get(verb="events.retained").data == '{"moves":2,"rest":1}'
    assert EventRetention.objects.get().delete_before.year == 1970


def test_retention_goes_in_batches_and_stops_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that must end stops between batches and leaves the moment closed."""
    monkeypatch.setattr("portal.events.actions.retain.BATCH", 2)
    for _ in range(5):
        write(days=31)
    answers = iter([True, False, False])
    assert retain(now=NOW, alive=lambda: next(answers)).moves == 2
    assert retain(now=NOW).moves == 3


def test_retention_of_nothing_says_nothing() -> None:
    """A run that removes nothing writes nothing."""
    write()
    retain(now=NOW)
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_flush_between_tests_works(turn: int) -> None:
    """Tests with real transactions start from an empty log and a closed moment, each time."""
    assert Event.objects.count() == 0
    write()
    with pytest.raises(DatabaseError, match="removed by age only"):
        run("DELETE FROM events_event")
