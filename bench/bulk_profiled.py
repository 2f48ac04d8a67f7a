"""Where a worker spends its CPU time on a batch: milliseconds per household, by function, sampled as in bench/profiled.py.

    python -m bench.bulk_profiled [--own] [--lines 60] [--under NAME] [--households 1000]

What a thread does is counted for the function that the main thread is in.
"""

import json
import os
import signal
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.bulk import Figures, database, measure, service
from bench.profiled import options, print_lines, serve


def main() -> None:
    """Work under the sampler (with `work`), or run a batch and print."""
    if sys.argv[1:2] == ["work"]:
        serve(Path(os.environ["BENCH_PROFILE"]), sys.argv[1:])
        return
    parser = options()
    parser.add_argument("--households", type=int, default=1000)
    parser.add_argument("--url", help="PostgreSQL server; left out: SQLite")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        url = None if given.url is None else stack.enter_context(database(given.url))
        figures, samples = _profile(folder, url, given.households)
    cpu_ms = figures.cpu_ms["workers"]
    print(f"{cpu_ms:.2f} ms of a worker's CPU per household, {sum(samples.values())} samples; {figures.batch['results']}")
    print_lines(samples, cpu_ms, given)


def _profile(folder: Path, url: str | None, households: int) -> tuple[Figures, Counter[tuple[str, ...]]]:
    out = folder / "samples.json"
    os.environ["BENCH_PROFILE"] = str(out)
    with service(folder, url, 1, work="bench.bulk_profiled") as place:
        worker = place.workers[0]
        worker.await_that(lambda: b"working" in worker.log.read_bytes())
        worker.popen.send_signal(signal.SIGUSR1)
        figures = measure(place, households)
    return figures, Counter({tuple(stack): count for *stack, count in json.loads(out.read_text(encoding="utf-8"))})


if __name__ == "__main__":
    main()
