"""How much a month of health takes: bytes per upstream, by table, on the database of this environment."""

from typing import Any

from django.db import connection

TABLES = ("result", "bucket", "uptime", "flip", "outage", "systemsnapshot", "probe", "component")


def look() -> dict[str, Any]:
    """Return the bytes of each table of health with its indexes."""
    return {"tables": {name: _octets(f"health_{name}") for name in TABLES}, "whole": octets()}


def octets() -> int:
    """Return the bytes of the whole database."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        else:
            cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def told(found: dict[str, Any], upstreams: int, before: int, database: str) -> str:
    """Return bytes per upstream and month, in all and by table."""
    tables = found["tables"]
    total = sum(tables.values()) or found["whole"] - before
    parts = ", ".join(f"{name} {size / upstreams / 1_000:.1f}" for name, size in tables.items() if size)
    return (
        f"  {database:<11} {total / upstreams / 1_000:.0f} kB an upstream and month ({parts or 'by table not known'})"
    )


def _octets(table: str) -> int:
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute("SELECT pg_total_relation_size(%s)", [table])
            return int(cursor.fetchone()[0])
        cursor.execute("SELECT 1 FROM pragma_compile_options WHERE compile_options = 'ENABLE_DBSTAT_VTAB'")
        if cursor.fetchone() is None:
            return 0
        names = "SELECT name FROM sqlite_master WHERE tbl_name = %s"
        cursor.execute(f"SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN ({names})", [table])
        return int(cursor.fetchone()[0])
