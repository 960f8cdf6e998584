"""A new key for the secrets at rest.

1. The new key goes on top of the ring (atomically, on disk). From here on everything new is encrypted with it.
2. One transaction encrypts every stored secret again. The old keys stay in the ring, so that an end at any moment loses nothing.
3. Dropping the old keys is a step of its own, and is refused as long as one stored secret needs them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import models, transaction

from portal.events.record import record
from portal.kit import secrets
from portal.kit.errors import Conflicting
from portal.kit.secrets import SecretUnreadable
from portal.tenancy.sealed import places


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many secrets were encrypted again, and which rows no key opens ("app.model 7")."""

    secrets: int
    unreadable: list[str]


def rotate_keys(*, actor: str) -> Rotated:
    """What the rotation did. Rows that no key opens stay as they are."""
    secrets.add_key()
    done, unreadable = 0, []
    with transaction.atomic():
        for row, field in _sealed():
            try:
                setattr(row, field, secrets.reencrypt(getattr(row, field)))
            except SecretUnreadable:
                unreadable.append(f"{row._meta.label_lower} {row.pk}")
                continue
            type(row)._base_manager.filter(pk=row.pk).update(**{field: getattr(row, field)})
            done += 1
        record(verb="keys.rotated", subject="keys:all", actor=actor, data={"secrets": done, "unreadable": unreadable})
    return Rotated(done, unreadable)


def drop_old_keys(*, actor: str) -> int:
    """How many old keys left the ring. Raises Conflicting when a stored secret still needs one."""
    with transaction.atomic():
        needing = [
            f"{row._meta.label_lower} {row.pk}"
            for row, field in _sealed()
            if not secrets.is_newest(getattr(row, field))
        ]
        if needing:
            raise Conflicting(f"Still encrypted with an old key: {', '.join(needing[:20])}. Rotate again first.")
        dropped = secrets.drop_old_keys()
        record(verb="keys.dropped", subject="keys:all", actor=actor, data={"keys": dropped})
    return dropped


def _sealed() -> Iterator[tuple[models.Model, str]]:
    """Every row that keeps a secret, locked, with the name of its field."""
    for label, field in places():
        rows = apps.get_model(label)._base_manager.exclude(**{field: ""}).select_for_update().order_by("pk")
        for row in rows.only("pk", field):
            yield row, field
