"""docs/rest.md: every curl command in it is answered well."""

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.test import Client

from conflicts.core import merge
from tests.rest.conftest import Caller
from tests.support.conflicts import meet
from tests.support.people import People

ROOT = Path(settings.BASE_DIR)


def commands() -> list[list[str]]:
    """The curl commands of the page, in their order, as words."""
    text = Path(ROOT, "docs/rest.md").read_text()
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    parser = shlex.shlex(blocks, posix=True, punctuation_chars=False)
    parser.whitespace_split, parser.commenters = True, "#"
    words = list(parser)
    starts = [index for index, word in enumerate(words) if word == "curl"]
    return [words[start:end] for start, end in zip(starts, [*starts[1:], len(words)], strict=True)]


def filled(word: str, known: dict[str, str]) -> str:
    """The word with what stands for its variables."""
    for name, value in known.items():
        word = word.replace(name, value)
    return word


def open_conflict(people: People) -> dict[str, str]:
    """A conflict at the page's upstream, as the page calls its parts."""
    made = meet(people.viewer(people.alice), entity_id="p-conflict")
    asked = merge(*made.documents(), made.read_rules()).conflicts
    return {"$CONFLICT": str(made.pk), "$DIGEST": made.digest, "$DECISION": asked[0].id}


def test_every_command_works(people: People, alice: Caller) -> None:
    """They are run one after another, as a reader would; $ID is the item that the page made last, $CONFLICT one that is open."""
    client, item, seen = Client(), "", 0
    conflict: dict[str, str] = {}
    for command in commands():
        if any("$CONFLICT" in word for word in command) and not conflict:
            conflict = open_conflict(people)
        known = {"$BREAKWATER": "", "$TOKEN": alice.secret, "$ID": item, **conflict}
        words = [filled(word, known) for word in command]
        path = next(word for word in words if word.startswith("/api/v1/"))
        options = list(pairwise(words))
        headers = dict(value.split(": ", 1) for name, value in options if name == "-H")
        body = next((value for name, value in options if name == "-d"), "")
        method = next((value for name, value in options if name == "-X"), "POST" if body else "GET")
        kind = headers.pop("Content-Type", "application/octet-stream")
        answer = client.generic(method, path, body.encode(), content_type=kind, headers=headers)
        assert answer.status_code in {200, 201}, (command, answer.content)
        made = json.loads(answer.content)
        if path == "/api/v1/queue/items":
            item = (made if isinstance(made, dict) else made[-1])["id"]
        seen += 1
    assert seen >= 17
