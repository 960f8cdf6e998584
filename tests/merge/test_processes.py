"""The merge says the same in every process: nothing depends on the order in which Python keeps what it hashes."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from conflicts.core import MISSING, merge, resolve
from tests.merge.plans import RULES, edited_plan, plan
from tests.merge.strategies import Dice, document, edited, three

pytestmark = pytest.mark.plain

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = 300


def told() -> str:
    """Return one line per merge of the same few hundred documents: the ids in their order, and digests of what came out."""
    rng = Random(3)
    lines = []
    for number in range(DOCUMENTS):
        ruled = number % 2 == 0
        dice = Dice(rng.randbytes(400))
        triple = three(dice, plan, edited_plan) if ruled else three(dice, document, edited)
        rules = RULES if ruled else None
        done = merge(*triple, rules)
        said = [
            [d.id, d.path, d.kind, d.action, d.key, d.reason, d.rule, d.options, len(d.hunks)] for d in done.decisions
        ]
        chosen = resolve(*triple, rules, {decision.id: decision.options[0] for decision in done.conflicts})
        lines.append(" ".join(_digest(part) for part in (said, _written(done.draft), _written(chosen))))
    return "\n".join(lines)


def _written(document: object) -> object:
    return "nothing" if document is MISSING else document


def _digest(part: object) -> str:
    return sha256(json.dumps(part).encode()).hexdigest()[:16]


def test_every_process_says_the_same() -> None:
    """Processes with other hash seeds give the same ids, reasons, order and documents as this one."""
    here = told()
    assert len(set(here.splitlines())) > DOCUMENTS // 2
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.merge.test_processes"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here, seed


if __name__ == "__main__":
    print(told())
