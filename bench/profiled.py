"""Where the serving process spends its CPU time under a load of 16 callers: milliseconds per household, by function.

    python -m bench.profiled [--own] [--lines 60] [--under NAME]

A timer of CPU time interrupts the process a thousand times per CPU second and notes the stack, so Python and C are
weighed alike (cProfile makes Python calls several times dearer). The figures are shares of the measured CPU time.
"""

import argparse
import asyncio
import atexit
import json
import os
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from bench.households import bodies
from bench.interactive import service
from bench.load import Run

_INTERVAL_SECONDS = 0.001
_CALLERS, _SECONDS, _WINDOWS = 16, 5.0, 3
Stack = tuple[str, ...]


def serve(out: Path, arguments: list[str]) -> None:
    """Run `verify-service` with these arguments; sample from SIGUSR1 on, write what was seen at its end."""
    seen: Counter[Stack] = Counter()

    def finish() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write_text(json.dumps([[*stack, count] for stack, count in seen.items()]), encoding="utf-8")

    atexit.register(finish)
    signal.signal(signal.SIGPROF, lambda _, frame: seen.update([_stack(frame)]))
    signal.signal(signal.SIGUSR1, lambda *_: signal.setitimer(signal.ITIMER_PROF, _INTERVAL_SECONDS, _INTERVAL_SECONDS))
    sys.argv = ["verify-service", *arguments]
    runpy.run_module("verify_service", run_name="__main__")


def _stack(frame: FrameType | None) -> Stack:
    """Return the functions under way, innermost first, each once."""
    names: dict[str, None] = {}
    while frame is not None:
        code = frame.f_code
        names[f"{'/'.join(code.co_filename.split('/')[-3:])}:{code.co_firstlineno} {code.co_name}"] = None
        frame = frame.f_back
    return tuple(names)


def main() -> None:
    """Serve under the sampler (with `serve`), or run the load and print."""
    if sys.argv[1:2] == ["serve"]:
        serve(Path(os.environ["BENCH_PROFILE"]), sys.argv[1:])
        return
    given = options().parse_args()
    with TemporaryDirectory() as folder:
        samples, cpu_ms = _profile(Path(folder))
    print(f"{cpu_ms:.2f} ms of CPU per household, {sum(samples.values())} samples")
    print_lines(samples, cpu_ms, given)


def options() -> argparse.ArgumentParser:
    """Return the options that every profile has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--own", action="store_true", help="count a sample only for the function that was running")
    parser.add_argument("--under", default="", help="only samples below a function whose place contains this")
    parser.add_argument("--lines", type=int, default=60)
    return parser


def print_lines(samples: Counter[Stack], cpu_ms: float, given: argparse.Namespace) -> None:
    """Print a line for each function, dearest first: its share of `cpu_ms`."""
    total = sum(samples.values())
    for name, count in _counted(samples, own=given.own, under=given.under).most_common(given.lines):
        print(f"{cpu_ms * count / total:8.3f} ms {100 * count / total:5.1f} %  {name}")


def _profile(folder: Path) -> tuple[Counter[Stack], float]:
    out = folder / "samples.json"
    os.environ["BENCH_PROFILE"] = str(out)
    with service(folder, serve="bench.profiled") as target:
        process = target.process.popen
        run = Run(target, bodies(), _CALLERS, _WINDOWS, _SECONDS, on_warm=lambda: process.send_signal(signal.SIGUSR1))
        windows = asyncio.run(run.measure())
    return Counter({tuple(stack): count for *stack, count in json.loads(out.read_text(encoding="utf-8"))}), min(
        window.cpu_ms for window in windows
    )


def _counted(samples: Counter[Stack], *, own: bool, under: str) -> Counter[str]:
    """Count the samples by function: every one on the stack, or with `own` the innermost alone."""
    counted: Counter[str] = Counter()
    for stack, count in samples.items():
        if any(under in name for name in stack):
            for name in stack[:1] if own else stack:
                counted[name] += count
    return counted


if __name__ == "__main__":
    main()
