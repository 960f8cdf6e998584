"""Two sides' changes of one sequence put together (diff3: Khanna, Kunal and Pierce, "A Formal Investigation of Diff3", 2007).

Texts and lists differ in what collides. In a text, changes that touch collide, since neighbouring lines belong together. In a
list, elements stand for themselves: changes collide where they overlap, or where both add at one place; deletions never do.
"""

from typing import NamedTuple

from conflicts.core.diff import Change, Work, changes


class Stretch(NamedTuple):
    """One stretch where a side differs from the base: its range on each side, and what becomes of it (see Hunk.action)."""

    base: slice
    local: slice
    remote: slice
    action: str


def diff3(base: list[int], local: list[int], remote: list[int], *, work: Work, text: bool) -> list[Stretch]:
    """The stretches where a side differs from the base, in order, conflicts cut down to what really differs."""
    share = work.share()
    here, upstream = changes(base, local, share), changes(base, remote, share)
    work.take(here.work + upstream.work)
    groups = _grouped(here.found, upstream.found, text=text)
    stretches: list[Stretch] = []
    offsets = (0, 0)
    for group in groups:
        stretch, offsets = _stretch(group, offsets)
        stretches += _judged(stretch, group, (base, local, remote), text=text)
    return stretches


class _Group(NamedTuple):
    local: list[Change]
    remote: list[Change]


def _grouped(local: list[Change], remote: list[Change], *, text: bool) -> list[_Group]:
    """The changes of both sides in the base's order; those that collide stand in one group."""
    sided = sorted([(change, 0) for change in local] + [(change, 1) for change in remote])
    groups: list[_Group] = []
    for change, side in sided:
        others = groups[-1][1 - side] if groups else []
        if others and _collide(others[-1], change, text=text):
            groups[-1][side].append(change)
        else:
            groups.append(_Group([change], []) if side == 0 else _Group([], [change]))
    return groups


def _collide(one: Change, other: Change, *, text: bool) -> bool:
    if text:
        return one.start <= other.end and other.start <= one.end
    if one.end == other.start or other.end == one.start:
        return one.grows and other.grows
    return one.start < other.end and other.start < one.end


def _stretch(group: _Group, offsets: tuple[int, int]) -> tuple[Stretch, tuple[int, int]]:
    """The ranges of a group, and how far each side's numbers stand from the base's behind it."""
    both = group.local + group.remote
    start, end = min(change.start for change in both), max(change.end for change in both)
    behind = tuple(
        side[-1].other_end - side[-1].end if side else offset for side, offset in zip(group, offsets, strict=True)
    )
    local, remote = (slice(start + before, end + after) for before, after in zip(offsets, behind, strict=True))
    return Stretch(slice(start, end), local, remote, ""), (behind[0], behind[1])


def _judged(
    stretch: Stretch, group: _Group, sides: tuple[list[int], list[int], list[int]], *, text: bool
) -> list[Stretch]:
    if not group.remote:
        return [stretch._replace(action="local")]
    if not group.local:
        return [stretch._replace(action="remote")]
    if sides[1][stretch.local] == sides[2][stretch.remote]:
        return [stretch._replace(action="same")]
    if not text and all(change.deletes for change in group.local + group.remote):
        return [stretch._replace(action="both")]
    return _cut_down(stretch, *sides)


def _cut_down(stretch: Stretch, base: list[int], local: list[int], remote: list[int]) -> list[Stretch]:
    """A conflict without what both sides put at its start and at its end, which stands beside it as the same change.

    Where all three are equally long, the base's tokens at these places were replaced one for one and go along with them.
    """
    ours, theirs = local[stretch.local], remote[stretch.remote]
    shorter = min(len(ours), len(theirs))
    head = next((at for at in range(shorter) if ours[at] != theirs[at]), shorter)
    tail = next((at for at in range(shorter - head) if ours[-1 - at] != theirs[-1 - at]), shorter - head)
    length = stretch.base.stop - stretch.base.start
    in_step = length == len(ours) == len(theirs)
    heads, tails = (head, tail) if in_step else (0, 0)
    (a, a_end), (x, x_end), (y, y_end) = ((part.start, part.stop) for part in stretch[:3])
    parts = [
        Stretch(slice(a, a + heads), slice(x, x + head), slice(y, y + head), "same"),
        Stretch(
            slice(a + heads, a_end - tails), slice(x + head, x_end - tail), slice(y + head, y_end - tail), "conflict"
        ),
        Stretch(slice(a_end - tails, a_end), slice(x_end - tail, x_end), slice(y_end - tail, y_end), "same"),
    ]
    return [part for part in parts if part.action == "conflict" or part.local.start < part.local.stop]
