"""Print what twelve shapes of outage do: python -m bench.outages [--seconds 12] [--rate 20] [--seed 1] [--only SHAPE].

`goodput` is answers a second from the struck register, `complete` the share of its questions answered, `calls` the requests it
saw for each question, `p99` the time until a household's two questions were settled, `other` the completeness of the register
beside it. `lost` counts answers that left whole in good time and were not taken, `misread` facts that no whole answer carried.
"""

import argparse
import asyncio
import sys

from bench.outages.run import Result, run
from bench.outages.shapes import SHAPES


def line(result: Result) -> str:
    goodput, complete = result.answered / result.seconds, 100 * result.answered / result.asked
    other, calls = 100 * result.other_answered / result.other_asked, result.calls / result.asked
    row = f"{result.shape:<18}{result.asked:>7}{goodput:>10.1f}{complete:>10.1f}{calls:>8.2f}{result.p99 * 1000:>9.0f}{other:>9.1f}"
    return f"{row}{result.lost:>6}{result.misread:>9}"


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.outages")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=SHAPES)
    options = parser.parse_args()
    print(f"{'shape':<18}{'asked':>7}{'goodput/s':>10}{'complete%':>10}{'calls':>8}{'p99 ms':>9}{'other %':>9}{'lost':>6}{'misread':>9}")
    wrong = 0
    for shape in [options.only] if options.only else SHAPES:
        result = await run(shape, seconds=options.seconds, rate=options.rate, seed=options.seed)
        wrong += result.lost + result.misread
        print(line(result), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
