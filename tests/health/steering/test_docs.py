"""docs/health.md: every curl command in it is answered well, in its order."""

import json
import shlex
from itertools import pairwise

import pytest
from django.test import Client

from tests.docs import pages
from tests.health.steering.conftest import Watch


def commands() -> list[list[str]]:
    """The curl commands of the page, as words."""
    text = "\n".join(pages.blocks(pages.read("docs/health.md"), "sh")).replace("\\\n", " ")
    words = shlex.split(text)
    starts = [index for index, word in enumerate(words) if word == "curl"]
    return [words[start:end] for start, end in zip(starts, [*starts[1:], len(words)], strict=True)]


@pytest.mark.django_db(transaction=True)
def test_every_command_works(watch: Watch) -> None:
    """$PROBE is the probe that the page made last."""
    token, probe, seen = watch.caller("alice").secret, "", 0
    watch.store.delete()
    for command in commands():
        words = [word.replace("$BREAKWATER", "").replace("$TOKEN", token).replace("$PROBE", probe) for word in command]
        options = list(pairwise(words))
        path = next(word for word in words if word.startswith("/api/v1/"))
        headers = dict(value.split(": ", 1) for name, value in options if name == "-H")
        body = next((value for name, value in options if name == "-d"), "")
        method = next((value for name, value in options if name == "-X"), "POST" if body else "GET")
        kind = headers.pop("Content-Type", "application/octet-stream")
        answer = Client().generic(method, path, body.encode(), content_type=kind, headers=headers)
        assert answer.status_code in {200, 201}, (command, answer.content)
        if path == "/api/v1/health/probes" and body:
            probe = str(json.loads(answer.content)["id"])
        seen += 1
    assert seen >= 8
