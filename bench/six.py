"""CPU time of merging a household of six with 204 records from six registers. Target: 1 ms.

    python -m bench.six [--rounds 7]

Least of the rounds, in microseconds of this process's CPU.
"""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from timeit import repeat

from tests.households import SOURCES, answers, example_request, person, policy, with_members
from tests.records import car, company, contribution, fund, home, resident_pension, shares
from verify_service.domain.outcome import Answer
from verify_service.domain.records import Record
from verify_service.domain.request import VerificationRequest
from verify_service.verification.merge import merge

_TIMES = 20
_MONTHS = [f"2026-{month:02d}" for month in range(1, 11)]


def household() -> tuple[VerificationRequest, Sequence[Answer]]:
    """Return six persons of whom every register knows something: 34 records each."""
    request = with_members(example_request(), person("uncle", 71), person("aunt", 72))
    return request, answers(request, **{m.ref: _records(i) for i, m in enumerate(request.household.members)})


def _records(who: int) -> dict[str, Sequence[Record]]:
    insured = [contribution(kind, 449_400, 800, month=m, source_key=f"{kind} {m}") for kind in ("110", "310") for m in _MONTHS]
    roles = ("investor", "legal_representative", "executive")
    return {
        "vehicle": [car(vin=None, plate_no=f"示A{who}{n:04d}", source_key=str(n)) for n in range(3)],
        "property": [home(unit=f"990101001001GB0000{who}F0001000{n}") for n in range(3)],
        "securities": [shares(1_000, account=f"A{who}{n}") for n in range(3)],
        "business_registration": [company(role, 1_000, uscc=f"91990101MA000000{who}R") for role in roles],
        "housing_fund": [fund(480_000)],
        "pension": [*insured, resident_pension()],
    }


def main() -> None:
    """Print the figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    request, told = household()
    merging = partial(merge, request, told, policy=policy(request.region, request.purpose.value), sources=SOURCES)
    least = min(repeat(merging, number=_TIMES, repeat=given.rounds, timer=time.process_time)) / _TIMES
    print(f"{sum(len(a.records) for a in told)} records  {least * 1e6:7.0f} us")


if __name__ == "__main__":
    main()
