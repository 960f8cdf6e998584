"""What Kinto really did: every write of every record, as its history plugin keeps it."""

import base64
import json
import urllib.request
from collections import defaultdict
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Write:
    """One write that Kinto applied: "create", "update" or "delete", the record afterwards, and Kinto's time of it."""

    action: str
    at: int
    data: dict[str, Any]


def writes(server: str, bucket: str, *, user: str = "", password: str = "") -> dict[str, list[Write]]:
    """Return the writes of each record of a bucket, oldest first, by record id; `server` ends in /v1."""
    found: dict[str, list[Write]] = defaultdict(list)
    address: str | None = f"{server}/buckets/{bucket}/history?resource_name=record&_sort=last_modified"
    while address:
        request = urllib.request.Request(address)
        if user:
            words = base64.b64encode(f"{user}:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {words}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            address = answer.headers.get("Next-Page")
            for entry in json.load(answer)["data"]:
                write = Write(entry["action"], entry["last_modified"], entry["target"]["data"])
                found[entry["record_id"]].append(write)
    return dict(found)
