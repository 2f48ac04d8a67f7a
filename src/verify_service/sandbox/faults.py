"""The fault profile: what goes wrong in the sandbox, how often, seeded and repeatable.

Two kinds. Person-level errors (stale data, duplicate rows, an unconnected region, an old 15-digit number) depend on
(seed, source, person) only. Socket faults (latency, 5xx, hang, truncation, malformed) depend on (seed, source, people
asked, how often they were asked before), so a retry may succeed and a whole run can be repeated. Rates are those of
the domain reference C9; `storm` multiplies them.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from verify_service.sandbox.world import Spoilt
from verify_service.sources.cases import Fault

Profile = Literal["none", "realistic", "storm"]
_PER_MILLION = 1_000_000
_STALE_DAYS = 60


@dataclass(frozen=True, slots=True)
class Rates:
    """Chances per million, and the latency's spread in milliseconds."""

    timeout: int
    server_error: int
    malformed: int
    truncated: int
    duplicate: int
    stale: int
    old_number: int
    not_connected: int
    latency_ms: int


RATES: dict[Profile, Rates] = {
    "none": Rates(0, 0, 0, 0, 0, 0, 0, 0, 0),
    "realistic": Rates(10_000, 5_000, 3_000, 2_000, 30_000, 50_000, 5_000, 40_000, 120),
    "storm": Rates(100_000, 150_000, 50_000, 50_000, 60_000, 100_000, 10_000, 80_000, 600),
}


@dataclass(slots=True)
class Faults:
    """Draws faults for one sandbox run."""

    profile: Profile
    seed: int
    _asked: Counter[str] = field(default_factory=Counter, repr=False)

    def spoil(self, source: str, id_number: str) -> Spoilt:
        """Return the person-level errors of one person at one source."""
        rates = RATES[self.profile]
        draw = self._draws(source, id_number)
        return Spoilt(
            stale_days=_STALE_DAYS if draw[0] < rates.stale else 0,
            duplicate_rows=draw[1] < rates.duplicate,
            not_connected=draw[2] < rates.not_connected,
            old_number=draw[3] < rates.old_number,
        )

    def on_socket(self, source: str, people: Sequence[str]) -> tuple[float, Fault | None]:
        """Return the delay in seconds before this reply, and the fault that spoils it, if any."""
        if self.profile == "none":
            return 0.0, None
        key = f"{source}:{','.join(people)}"
        self._asked[key] += 1
        draw = self._draws(key, str(self._asked[key]))
        rates = RATES[self.profile]
        return rates.latency_ms * draw[4] / _PER_MILLION / 1000, _pick(draw, rates)

    def _draws(self, *parts: str) -> tuple[int, ...]:
        digest = hashlib.blake2b("|".join((str(self.seed), *parts)).encode(), digest_size=40).digest()
        return tuple(int.from_bytes(digest[i : i + 8], "big") % _PER_MILLION for i in range(0, 40, 8))


def _pick(draw: tuple[int, ...], rates: Rates) -> Fault | None:
    """Walk the rates as adjoining intervals, so that at most one fault strikes."""
    faults = (
        (rates.timeout, Fault(kind="hang")),
        (rates.server_error, Fault(kind="status", status=503)),
        (rates.malformed, Fault(kind="body", body="<html><body>Please sign in</body></html>")),
        (rates.truncated, Fault(kind="truncate", after_bytes=draw[1] % 400)),
    )
    start = 0
    for rate, fault in faults:
        if start <= draw[0] < start + rate:
            return fault
        start += rate
    return None
