"""A backup taken while others write is whole, and comes back with its keys."""

import stat
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.duties.running import ROOT, Home, own_home, running_worker, until
from tests.support import processes

WRITER = textwrap.dedent(
    """
    import django; django.setup()
    from django.db import transaction
    from portal.tenancy.models import Organization
    n = 0
    while True:
        with transaction.atomic():
            Organization.objects.create(slug=f"left-{n}", name="x")
            Organization.objects.create(slug=f"right-{n}", name="x")
        n += 1
        print(n, flush=True)
    """
)
COUNT = textwrap.dedent(
    """
    from portal.tenancy.models import Organization
    from portal.kit import secrets
    from django.conf import settings
    names = [set(Organization.objects.filter(slug__startswith=side).values_list("slug", flat=True)) for side in ("left", "right")]
    print("PAIRS", len(names[0]), len(names[1]))
    kept = Organization.objects.filter(slug="kept").first()
    print("SECRET", secrets.decrypt(kept.name) if kept else "-")
    """
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home with one stored secret."""
    with own_home(tmp_path / "home") as made:
        shell(
            made,
            "from portal.kit import secrets; from portal.tenancy.models import Organization;"
            "Organization.objects.create(slug='kept', name=secrets.encrypt('tide'))",
        )
        yield made


def shell(home: Home, code: str) -> str:
    """Runs code in the portal of this home."""
    return home.manage("shell", "-v", "0", "--command", code)


def told(home: Home) -> tuple[int, int, str]:
    """The pairs and the secret that the portal has now."""
    words = shell(home, COUNT).split()
    at = words.index("PAIRS")
    return int(words[at + 1]), int(words[at + 2]), words[words.index("SECRET") + 1]


def test_it_is_whole_while_others_write(home: Home, tmp_path: Path) -> None:
    """Of each transaction a backup has all or nothing, and the restored portal reads its secrets."""
    log = tmp_path / "writer.log"
    writer = processes.start([sys.executable, "-c", WRITER], env=home.env, cwd=ROOT, log=log)
    try:
        until(lambda: log.exists() and len(log.read_text().split()) > 20, 30, log.read_text)
        before = int(log.read_text().split()[-1])
        home.manage("backup", str(tmp_path / "b.tar.gz"))
        after = int(log.read_text().split()[-1])
    finally:
        processes.stop(writer)
    assert after > before, "the writer did not go on"
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    (home.path / "secrets" / "keys").unlink()
    assert "before-restore-" in home.manage("restore", str(tmp_path / "b.tar.gz"))
    left, right, secret = told(home)
    assert left == right
    assert before <= left <= after + 1
    assert secret == "tide"
    [aside] = home.path.glob("before-restore-*")
    assert any(aside.iterdir())


def test_it_is_refused_while_duties_run(home: Home, tmp_path: Path) -> None:
    """A restore under a running worker changes nothing and says who runs."""
    home.manage("backup", str(tmp_path / "b.tar.gz"))
    with running_worker(home):
        said = home.manage("restore", str(tmp_path / "b.tar.gz"), check=False)
        assert "is running" in said
        assert "probe-0#" in said
    assert not list(home.path.glob("before-restore-*"))


def test_a_damaged_backup_is_refused(home: Home, tmp_path: Path) -> None:
    """What cannot be restored whole leaves the portal as it was; a backup never writes over a file."""
    good, bad = tmp_path / "b.tar.gz", tmp_path / "bad.tar.gz"
    home.manage("backup", str(good))
    content = good.read_bytes()
    half = len(content) // 2
    for harm in (content[:half], content[:half] + b"\0\0\0\0" + content[half + 4 :], b""):
        bad.write_bytes(harm)
        assert "damaged" in home.manage("restore", str(bad), check=False)
    assert told(home)[2] == "tide"
    assert "already" in home.manage("backup", str(good), check=False)
    assert good.read_bytes() == content


@pytest.mark.sqlite_only
def test_it_is_refused_while_a_process_has_the_file_open(home: Home, tmp_path: Path) -> None:
    """A web process would go on with the file that was moved away, and lose what it takes in."""
    home.manage("backup", str(tmp_path / "b.tar.gz"))
    with (home.path / "breakwater.sqlite3").open("rb"):
        assert "have the database open" in home.manage("restore", str(tmp_path / "b.tar.gz"), check=False)
