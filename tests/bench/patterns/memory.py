"""The memory of a breaker that has seen a hundred calls: `python -m tests.bench.patterns.memory NUMBER` prints its bytes.

The number is the subject's place in `rows.MEMORY`. Measured with tracemalloc over a thousand guarded functions.
"""

import gc
import sys
import tracemalloc

from tests.bench.patterns.peers import load
from tests.bench.patterns.rows import MEMORY, Subject

COUNT = 1_000


def one() -> int:
    """Return what a guarded function returns."""
    return 1


def measure(subject: Subject) -> float:
    """Return the bytes that one guarded function takes."""
    part = getattr(load(subject.peer), subject.part)
    warm = [part(**subject.options)(one) for _ in range(10)]
    for call in warm:
        call()
    gc.collect()
    tracemalloc.start()
    kept = [part(**subject.options)(one) for _ in range(COUNT)]
    for call in kept:
        for _ in range(100):
            call()
    gc.collect()
    taken, _peak = tracemalloc.get_traced_memory()
    return taken / len(kept)


if __name__ == "__main__":
    print(round(measure(MEMORY[int(sys.argv[1])])))
