"""`verify-service` with every source taking one subject in a call, so that neither members nor households share one.

python -m bench.one_subject serve --port 8000

Six times as many calls would meet limits that a register of such a contract would not have: they are lifted.
"""

import runpy
import sys
from importlib.resources.abc import Traversable

from verify_service.sources import definition
from verify_service.sources.definition import Quota, Source

_load = definition.load_source


def _of_one_subject(file: Traversable) -> Source:
    source = _load(file)
    limits = source.limits.model_copy(update={"in_flight": 200, "attempt_timeout_ms": 10_000})
    return source.model_copy(update={"subjects_per_call": 1, "limits": limits, "quota": Quota(per_second=100_000, per_day=1_000_000_000)})


if __name__ == "__main__":
    definition.load_source = _of_one_subject  # before the adapters are imported, which read their facts then
    sys.argv = ["verify-service", *sys.argv[1:]]
    runpy.run_module("verify_service", run_name="__main__")
