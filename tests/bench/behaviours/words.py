"""The words around the tables."""

BEFORE = """
# Behaviours beside the peers

`.venv/bin/python -m tests.bench.behaviours` makes this page anew (after `make bench`, which installs the peers), and
`--only half_open_hangs` a row of it. Each cell is an experiment that ran in a process of its own with a time limit, and used the
library in the way that it documents. What is not right is in italics; `(n/a)` is what a library does not offer or what cannot be
staged with it, with the reason. Whether it is fast stands in [benchmarks](../benchmarks.md).

{run}
"""

AFTER = """
## What to make of it

- pybreaker holds one lock during the whole call. That is why its calls wait for each other, why one half-open call that hangs stops
  all threads, and also why two half-open calls never run at once. `throw_new_error_on_trip=False` makes the tripping call raise its own
  error there.
- interlock is right nearly everywhere. Its documentation says that its async bulkhead belongs to one event loop and that a thread
  cannot be killed; what it has no way out of is a half-open call that hangs. Its count window costs the same at any size; its time
  window sums up all its seconds at each call.
- purgatory raises the same error object at each refusal, which grows by a stack each time until the breaker closes.
- tenacity gives up at once with `stop_before_delay`, as here; with `stop_after_delay` it sleeps first. backoff cuts the wait to what
  is left of its time and tries once more then, which is late by nothing and earlier than it was asked to come.
- stamina looks at its timeout after a wait, not before it; pyresilience goes on waiting for the attempts that are left.
- hyx's bulkhead and asyncio's own semaphore, which pyresilience and interlock use, lose no place to a cancellation on this Python.
- Nobody can end a thread. Ours goes on too; it keeps its place in the bulkhead until it ends, so that "one at a time" stays true.
- Ours refuses the other callers while a half-open call runs, up to `half_open_max_calls`. A library that lets all of them through
  hangs on nothing, and sends its full load to an upstream that has not proved itself.
"""
