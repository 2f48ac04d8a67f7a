"""CPU time of what follows the last answer, for the example household of four: merge, compose, sign.

    python -m bench.merge [--rounds 7]

The answers come from the simulated registers once; then each step runs many times. Least of the rounds, in microseconds.
"""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from timeit import repeat

from verify_service.bootstrap import installed_cases, open_services, shipped_folder, utc_now
from verify_service.domain.outcome import Answer
from verify_service.domain.request import VerificationRequest
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.services import Services, read_request
from verify_service.settings import load_settings
from verify_service.verification.compose import Header, compose
from verify_service.verification.fanout import fan_out
from verify_service.verification.merge import merge
from verify_service.verification.plan import local_day

_TIMES = 50


async def answers_of(services: Services, request: VerificationRequest) -> Sequence[Answer]:
    """Ask the simulated registers."""
    planned = services.verifier.plan(request, tenant="bench", verification_id="bench", at=utc_now())
    deadline = asyncio.get_running_loop().time() + 10
    calls = await fan_out(planned.asked, channels=services.channels, deadline=deadline)
    return [*planned.unasked, *(a for call in calls for a in call.answers)]


def steps(services: Services, request: VerificationRequest, answers: Sequence[Answer]) -> dict[str, Callable[[], object]]:
    """Return the steps, each ready to run on its own."""
    verifier, now = services.verifier, utc_now()
    policy = services.policies.in_force(request.region, request.purpose, request.asset_as_of)
    header = Header(
        report_id=services.new_id(),
        verification_id=services.new_id(),
        version=1,
        issued_at=now,
        issuer=verifier.issuer,
        valid_until=local_day(now),
        replaces=None,
        reason="first_issue",
    )
    merging = partial(merge, request, answers, policy=policy, sources=verifier.sources)
    composing = partial(compose, request, merging(), header=header, policy=policy, sources=verifier.sources)
    return {"merge": merging, "compose": composing, "sign": partial(verifier.sign, composing())}


async def prepared(folder: Path) -> dict[str, Callable[[], object]]:
    """Open the service beside its simulated registers and make the steps ready."""
    settings = load_settings(state_dir=folder)
    async with (
        serve_registers(installed_cases(), SandboxOptions(), clock=utc_now) as endpoints,
        open_services(settings, endpoints=endpoints) as services,
    ):
        request = read_request((shipped_folder("examples") / "household.json").read_bytes())
        return steps(services, request, await answers_of(services, request))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        for name, step in asyncio.run(prepared(Path(folder))).items():
            print(f"{name:10} {min(repeat(step, number=_TIMES, repeat=given.rounds)) / _TIMES * 1e6:7.0f} us")


if __name__ == "__main__":
    main()
