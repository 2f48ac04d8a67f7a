"""What an officer does to a report without asking any register: resolve a finding, close gaps, correct, withdraw."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from verify_service.amending.holding import Held, hold_report
from verify_service.domain.amendment import (
    ActRequest,
    Correction,
    CorrectionRequest,
    GapClosure,
    Resolution,
    ResolutionRequest,
    Withdrawal,
)
from verify_service.domain.checks import kind_violations
from verify_service.domain.outcome import OutcomeCode
from verify_service.errors import InvalidInput, NotFound, Violation, WrongState
from verify_service.services import Finished, Services
from verify_service.storage.records import Client, Key


async def resolve(
    services: Services, client: Client, report_id: str, finding: str, asked: ResolutionRequest, *, key: Key | None
) -> Finished:
    """Say what became of a finding. Raises NotFound (report or finding), Superseded, WrongState, LostLease."""
    async with hold_report(services, client, report_id) as held:
        if finding not in {line["id"] for line in held.report["findings"]}:
            raise NotFound
        return await held.issue(Resolution(finding=finding, **dict(asked)), key=key)


async def close_gaps(services: Services, client: Client, report_id: str, asked: ActRequest, *, key: Key | None) -> Finished:
    """Close every gap there is now; late answers still make a next version. Raises NotFound, Superseded, WrongState, LostLease."""
    async with hold_report(services, client, report_id) as held:
        if held.report["header"]["state"] != "partial":
            raise WrongState("no_open_gap", "a partial report")
        return await held.issue(GapClosure(gaps=tuple(held.report["gaps"]), **dict(asked)), key=key)


async def withdraw(services: Services, client: Client, report_id: str, asked: ActRequest, *, key: Key | None) -> Finished:
    """Issue a last version that says it must not be used; nothing is waited for any more. Raises as `close_gaps`."""
    async with hold_report(services, client, report_id) as held:
        answers, closed = await held.end(held.waiting, OutcomeCode.CANCELLED, "the report was withdrawn")
        return await held.issue(Withdrawal(**dict(asked)), answers=answers, closed=closed, key=key)


async def correct(services: Services, client: Client, report_id: str, asked: CorrectionRequest, *, key: Key | None) -> Finished:
    """Compare again with corrected declarations. Raises InvalidInput with pointers, and as `close_gaps`."""
    async with hold_report(services, client, report_id) as held:
        if broken := list(_broken(held, asked, services.verifier.asset_kinds)):
            raise InvalidInput(broken)
        return await held.issue(Correction(**dict(asked)), key=key)


def _broken(held: Held, asked: CorrectionRequest, kinds: AbstractSet[str]) -> Iterator[Violation]:
    refs = {m.ref for m in held.request.household.members}
    declared = asked.declared
    if not declared.incomes and declared.assets is None and declared.expenditure is None:
        yield Violation("/declared", "something", "incomes, assets or expenditure")
    yield from kind_violations(declared.assets, kinds, "/declared/assets")
    seen: set[str] = set()
    for i, of_member in enumerate(declared.incomes):
        if of_member.member not in refs:
            yield Violation(f"/declared/incomes/{i}/member", "known_member", "a member's ref")
        if of_member.member in seen:
            yield Violation(f"/declared/incomes/{i}/member", "unique_member", "given once only")
        seen.add(of_member.member)
