"""Texts that a merge by lines finds hard, at any length."""

from random import Random

Versions = tuple[list[str], list[str], list[str]]
"""Base, local and remote as lines."""


def changed(lines: list[str], places: range, word: str) -> list[str]:
    """Return lines with some of them replaced."""
    done = list(lines)
    for place in places:
        done[place] = f"{word} {place}\n"
    return done


def equal_lines(count: int) -> Versions:
    """Return equal lines; one side takes some away and writes others in between, the other adds some and does so too."""
    base = ["the same\n"] * count
    local = changed(base, range(3, count, count // 50), "local")[: -count // 100]
    remote = changed(base, range(7, count, count // 40), "remote") + ["the same\n"] * (count // 100)
    return base, local, remote


def half_repeated(count: int) -> Versions:
    """Return lines of which each second one is the same, and what two sides made of them by turning and rewriting."""
    base = [f"line {number}\n" if number % 2 else "the same\n" for number in range(count)]
    rng = Random(5)
    local, remote = list(base), list(base)
    for version in (local, remote):
        for _ in range(count // 10):
            del version[rng.randrange(len(version))]
            version.insert(rng.randrange(len(version)), "the same\n")
    return base, local, remote


def rewritten(count: int) -> Versions:
    """Return three texts that have nothing in common but a few lines at other places."""
    versions = []
    for side in range(3):
        lines = [f"{side} {number}\n" for number in range(count)]
        lines[side * 7 :: 10] = ["}\n"] * len(lines[side * 7 :: 10])
        versions.append(lines)
    return versions[0], versions[1], versions[2]


def shuffled(count: int) -> Versions:
    """Return the same lines three times, each time in another order."""
    base = [f"line {number}\n" for number in range(count)]
    local, remote = list(base), list(base)
    Random(1).shuffle(local)
    Random(2).shuffle(remote)
    return base, local, remote


ADVERSARIES = [equal_lines, half_repeated, rewritten, shuffled]
