"""CPU time of what follows the last answer: merge, compose, sign; for the example family of four, and for six members with 200 records.

python -m bench.merge [--rounds 7]

The answers come from the simulated registers once; then each step runs many times. Least of the rounds, in microseconds.
The larger household is of the synthetic population; further months of its members' own contributions make up the 200 records.
"""

import argparse
import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count, cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from bench.households import bodies
from verify_service.bodies import read_request
from verify_service.bootstrap import installed_cases, open_services, shipped_folder, utc_now
from verify_service.domain.outcome import Answer
from verify_service.domain.records import Record, SocialContribution
from verify_service.domain.request import VerificationRequest
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.services import Services
from verify_service.settings import load_settings
from verify_service.verification.compose import Header, compose
from verify_service.verification.fanout import fan_out
from verify_service.verification.merge import merge
from verify_service.verification.plan import local_day

_TIMES, _RECORDS, _MEMBERS = 50, 200, 6
Steps = dict[str, Callable[[], object]]


async def answers_of(services: Services, request: VerificationRequest) -> Sequence[Answer]:
    """Ask the simulated registers."""
    planned = services.verifier.plan(request, tenant="bench", verification_id="bench", at=utc_now())
    deadline = asyncio.get_running_loop().time() + 10
    calls = await fan_out(planned.asked, channels=services.channels, deadline=deadline)
    return [*planned.unasked, *(a for call in calls for a in call.answers)]


def filled_up(answers: Sequence[Answer]) -> Sequence[Answer]:
    """Repeat contributions, each for an earlier month than all before, until the household has 200 records."""
    with_months = [a for a in answers if any(isinstance(r, SocialContribution) for r in a.records)]
    further: dict[str, list[Record]] = {a.question.id: [] for a in with_months}
    months = (f"{year}-{month:02d}" for year in count(2024, -1) for month in range(12, 0, -1))
    for answer in cycle(with_months):
        if sum(len(a.records) for a in answers) + sum(map(len, further.values())) >= _RECORDS:
            break
        month, like = next(months), next(r for r in answer.records if isinstance(r, SocialContribution))
        further[answer.question.id].append(like.model_copy(update={"month": month, "source_key": f"{like.source_key}-{month}"}))
    return [replace(a, records=(*a.records, *further.get(a.question.id, ()))) for a in answers]


def steps(services: Services, request: VerificationRequest, answers: Sequence[Answer]) -> Steps:
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
        objection_until=local_day(now),
        replaces=None,
        reason="first_issue",
    )
    merging = partial(merge, request, answers, policy=policy, sources=verifier.sources)
    composing = partial(compose, request, merging(), header=header, policy=policy, sources=verifier.sources)
    return {"merge": merging, "compose": composing, "sign": partial(verifier.sign, composing())}


async def prepared(folder: Path) -> dict[str, Steps]:
    """Open the service beside its simulated registers and make the steps of both households ready."""
    settings = load_settings(state_dir=folder)
    async with (
        serve_registers(installed_cases(), SandboxOptions(), clock=utc_now) as endpoints,
        open_services(settings, endpoints=endpoints) as services,
    ):
        family = read_request((shipped_folder("examples") / "household.json").read_bytes())
        larger = read_request(next(bodies(members=_MEMBERS)))
        return {
            "family of four": steps(services, family, await answers_of(services, family)),
            "six, 200 records": steps(services, larger, filled_up(await answers_of(services, larger))),
        }


def microseconds(step: Callable[[], object], rounds: int) -> float:
    """Return the least CPU time of a step."""
    taken = []
    for _ in range(rounds):
        began = process_time()
        for _ in range(_TIMES):
            step()
        taken.append((process_time() - began) / _TIMES * 1e6)
    return min(taken)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        for household, ready in asyncio.run(prepared(Path(folder))).items():
            for name, step in ready.items():
                print(f"{household:17} {name:8} {microseconds(step, given.rounds):7.0f} us")


if __name__ == "__main__":
    main()
