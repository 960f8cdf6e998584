"""How long to wait before the next try: exponential with jitter (Exponential Backoff And Jitter, AWS Architecture Blog, 2015)."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds: `minimum` after the first failure, times `factor` after each further one, at most `maximum`, ± `jitter` of itself."""

    minimum: float = 0.5
    maximum: float = 30.0
    factor: float = 2.0
    jitter: float = 0.2

    def delay(self, failures: int, rng: Random) -> float:
        """Seconds to wait after this many failures (at least 1)."""
        plain: float = min(self.maximum, self.minimum * self.factor ** min(failures - 1, 32))
        return min(self.maximum, max(self.minimum, plain * rng.uniform(1 - self.jitter, 1 + self.jitter)))
