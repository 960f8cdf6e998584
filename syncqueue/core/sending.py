"""An assignment as an adapter needs it: the item's own change, or what goes out in its place. Pure."""

from portal.kit import jsontext
from syncqueue.adapters.base import Change, Delivered
from syncqueue.core.jobs import Assignment


def change_of(job: Assignment, *, last_writer_wins: bool) -> Change | None:
    """What the adapter sends; None when the upstream has it already.

    `last_writer_wins` is the kind's; a change that names its version, and a merged one, are sent under a condition all the same.
    """
    part, merged = job.outgoing.sent, job.outgoing.merged
    if part and part.nothing:
        return None
    payload = part.payload if part else jsontext.load(job.payload) if job.payload else None
    base = job.remote if merged else job.base
    return Change(
        item_id=str(job.item_id),
        idempotency_key=job.idempotency_key,
        entity_type=job.entity_type,
        entity_id=job.entity_id,
        operation=part.operation if part else job.operation,  # type: ignore[arg-type]
        payload=payload,
        form=part.form if part else job.form,  # type: ignore[arg-type]
        version=(merged.version or None) if merged else job.version,
        attempt=1 if merged else job.number,
        outcome_unknown=job.outcome_unknown,
        last_writer_wins=last_writer_wins and not job.base_version and not merged,
        base=jsontext.load(base) if base else None,
    )


def nothing_to_send(job: Assignment) -> Delivered:
    """What stands for an answer where nothing has to be sent."""
    merged = job.outgoing.merged
    if merged is None:
        return Delivered(
            job.version, None, "equal", reason="It was taken back before it was sent: there was nothing to send"
        )
    remote = jsontext.load(job.remote) if job.remote else None
    return Delivered(merged.version or None, remote, "equal", reason="The upstream keeps what it has: nothing was sent")
