"""Strike the strict parsers with every hostile text, each in a fork of its own; print one JSON line for each.

    python -m tests.unit.sources.attacks.strike TARGET

{"language", "name", "verdict": "refused" | "read" | an exception's name, "cpu_seconds", "grown_mib"}. A fork of its own, so that
memory is measured from a clean start; after ten seconds of CPU the kernel ends it, and no line tells of it.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from tests.unit.sources.attacks import hostile_json, hostile_xml
from verify_service.sources.strict_json import StrictJsonError, loads
from verify_service.sources.strict_xml import StrictXmlError, parse

Strike = Callable[[], object]


def strikes(target: str) -> Iterator[tuple[str, str, Strike]]:
    """Yield language, name and the act."""
    for name, text in {**hostile_json.REFUSED, **hostile_json.LARGE}.items():
        yield "json", name, partial(_call, loads, text)
    for name, make in {**hostile_xml.REFUSED, **hostile_xml.HARMLESS}.items():
        yield "xml", name, partial(_call, parse, partial(make, target))


def _call(parser: Callable[[bytes], object], text: Callable[[], bytes]) -> object:
    return parser(text())


def verdict(act: Strike) -> str:
    """Return what came of it."""
    try:
        act()
    except (StrictJsonError, StrictXmlError):
        return "refused"
    except Exception as error:  # noqa: BLE001 - what should not come through is told by name
        return type(error).__name__
    return "read"


def measured(act: Strike) -> dict[str, object]:
    """Return the verdict and what it cost."""
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    before, started = _peak_mib(), time.process_time()
    found = verdict(act)
    return {"verdict": found, "cpu_seconds": time.process_time() - started, "grown_mib": _peak_mib() - before}


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    for language, name, act in strikes(sys.argv[1]):
        child = os.fork()
        if child == 0:
            sys.stdout.write(json.dumps({"language": language, "name": name, **measured(act)}) + "\n")
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)
