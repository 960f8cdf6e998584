"""What can be wrong with the file."""

from dataclasses import dataclass

MOST = 100
"""So many faults are told; a file of nothing else shall not fill the memory."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: in which file, where (line 0 is the file as a whole), at which key ("" is none), and why."""

    file: str
    line: int
    column: int
    key: str
    reason: str

    @property
    def place(self) -> str:
        """As "governance/policy.yml:12:3", which editors jump to."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.key}: {self.reason}" if self.key else f"{self.place}: {self.reason}"


class Wrong(Exception):
    """Why a value cannot be taken, and where when that is closer than the value itself (line and column)."""

    def __init__(self, reason: str, *, at: tuple[int, int] | None = None, further: "tuple[Wrong, ...]" = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at
        self.further = further


@dataclass(slots=True)
class Faults:
    """The faults of one file, as they are found."""

    file: str
    found: list[Fault]
    more: int = 0

    def add(self, line: int, column: int, reason: str, key: str = "") -> None:
        """Notes a fault, or only counts it when there are too many."""
        if len(self.found) < MOST:
            self.found.append(Fault(self.file, line, column, key, reason))
        else:
            self.more += 1

    @property
    def full(self) -> bool:
        """Whether further ones are only counted."""
        return len(self.found) >= MOST

    def all(self) -> tuple[Fault, ...]:
        """Every fault once, in the order of the file."""
        ordered = sorted(dict.fromkeys(self.found), key=lambda fault: (fault.line, fault.column))
        if self.more:
            ordered.append(Fault(self.file, 0, 0, "", f"{self.more:,} further faults are not listed."))
        return tuple(ordered)
