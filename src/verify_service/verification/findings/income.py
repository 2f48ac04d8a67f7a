"""Findings about income: proven against declared, one register against another, pensions, the housing fund's movements."""

from collections.abc import Iterator, Sequence
from typing import cast

from verify_service.domain.codes import Occupation
from verify_service.domain.findings import Finding
from verify_service.domain.household import Member
from verify_service.domain.interval import Interval
from verify_service.domain.policy import Policy
from verify_service.domain.records import RecordStatus, SocialContribution
from verify_service.domain.request import VerificationRequest
from verify_service.verification.benefits import Benefit
from verify_service.verification.evidence import Row, row_digests
from verify_service.verification.figures import homes_of
from verify_service.verification.findings.ownership import lookback
from verify_service.verification.merge import Merged
from verify_service.verification.wages import is_wage_evidence

_WORKING = frozenset({Occupation.EMPLOYED, Occupation.FLEXIBLE})
_OLD_AGE = frozenset({"employee_pension", "civil_service_pension", "resident_pension"})


def _counted(request: VerificationRequest) -> Iterator[Member]:
    return (m for m in request.household.members if m.counted)


def bases(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """INC-03: fund and insurance bases differ by more than the tolerance of the larger; INC-04: only a base at the floor."""
    for member in _counted(request):
        for wage in merged.income.members[member.ref].wages:
            pair = (wage.fund_base_fen, wage.contribution_base_fen)
            if pair[0] is not None and pair[1] is not None and _differ(pair[0], pair[1], policy.rules.tolerances.wage_base_bp):
                measured = Interval.of(pair[0])
                yield Finding(
                    "INC-03", member.ref, about=wage.employer, measured=measured, line=pair[1], unit="fen", evidence=row_digests(wage.rows)
                )
            if wage.base_at_floor:
                yield Finding("INC-04", member.ref, about=wage.employer, evidence=row_digests(wage.rows))


def _differ(one: int, other: int, tolerance_bp: int) -> bool:
    return abs(one - other) * 10_000 > tolerance_bp * max(one, other)


def undeclared_work(request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """FUN-01 and SOC-01: a register sees an employer, the person declared neither work nor wage."""
    for member in _counted(request):
        if member.occupation in _WORKING or (member.declared_income and member.declared_income.wage_fen):
            continue
        for account in merged.fund_accounts:
            if member.ref in account.owners and account.record.remit_state == "remitting" and account.record.account_state == "normal":
                yield Finding("FUN-01", member.ref, about=account.key, evidence=account.digests)
        rows = tuple(r for r in merged.evidence.of_member("contribution", member.ref) if _running_employee(r))
        if rows:
            yield Finding("SOC-01", member.ref, evidence=row_digests(rows))


def _running_employee(row: Row) -> bool:
    record = cast("SocialContribution", row.record)
    return is_wage_evidence(record) and record.state == "insured"


def insurance(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """SOC-02: self-paid on a high base (the money comes from somewhere); SOC-03: one insurance in two regions at once."""
    line = policy.dibao(request.household.hukou, policy.rules.lookback.high_base_multiple)
    for member in _counted(request):
        rows = tuple(merged.evidence.of_member("contribution", member.ref))
        records = [cast("SocialContribution", r.record) for r in rows]
        flexible = [r for r in records if r.person_category == "flexible" and r.state == "insured"]
        highest = max((r.base_fen for r in flexible), default=0)
        if highest > line:
            yield Finding("SOC-02", member.ref, measured=Interval.of(highest), line=line, unit="fen", evidence=row_digests(rows))
        regions: dict[str, set[str]] = {}
        for r in records:
            if r.state == "insured" and r.status is RecordStatus.CURRENT:
                regions.setdefault(r.insurance_type, set()).add(r.region)
        for kind in sorted(kind for kind, places in regions.items() if len(places) > 1):
            yield Finding("SOC-03", member.ref, about=kind, evidence=row_digests(rows))


def pensions(request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """PEN-01 drawn, not declared; PEN-02 beside an employee's contributions; PEN-03 paused; PEN-04 two at once."""
    for member in _counted(request):
        drawn = merged.income.members[member.ref].benefits
        running = [b for b in drawn if b.months and b.record.benefit_type in _OLD_AGE and b.record.payment_state == "normal"]
        rows = tuple(row for b in running for row in b.rows)
        counts = [b for b in running if b.income.lower > 0]
        if counts and not (member.declared_income and member.declared_income.transfer_fen):
            yield Finding("PEN-01", member.ref, evidence=row_digests(rows))
        if running and any(map(_running_employee, merged.evidence.of_member("contribution", member.ref))):
            yield Finding("PEN-02", member.ref, evidence=row_digests(rows))
        for b in drawn:
            if b.record.payment_state == "paused":
                yield Finding("PEN-03", member.ref, about=b.record.benefit_type, evidence=row_digests(b.rows))
        at_once = _most_at_once([b for b in drawn if b.months and b.record.benefit_type in _OLD_AGE])
        if len(at_once) > 1:
            paid = tuple(row for b in at_once for row in b.rows)
            yield Finding("PEN-04", member.ref, measured=Interval.of(len(at_once)), line=1, unit="pieces", evidence=row_digests(paid))


def _most_at_once(pensions: Sequence[Benefit]) -> Sequence[Benefit]:
    """Return the most pensions that were paid for one month; there is such a month among those in which one begins."""
    together = ([b for b in pensions if first.paid_from <= b.paid_to and b.paid_from <= first.paid_from] for first in pensions)
    return max(together, key=len, default=())


def housing_fund(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """FUN-02 large withdrawals in the look-back, FUN-03 a housing loan of a household without a home, declared or found."""
    if not merged.fund_accounts:
        return
    since = lookback(request.asset_as_of, policy.rules.lookback.months)
    line = policy.dibao(request.household.hukou, policy.rules.lookback.large_withdrawal_months)
    assets, known_homes = request.household.declared_assets, homes_of(merged.owned, merged.evidence, merged.counted)
    for account in merged.fund_accounts:
        owner, record = account.owners[0], account.record
        if owner not in merged.counted:
            continue
        taken = sum(w.amount_fen for w in record.withdrawals if since <= w.day <= request.asset_as_of)
        if taken > line:
            yield Finding("FUN-02", owner, about=account.key, measured=Interval.of(taken), line=line, unit="fen", evidence=account.digests)
        lacking = "none_declared" if not (assets and assets.homes) else "none_found" if known_homes.upper == 0 else ""
        if lacking and any(loan.state != "settled" for loan in record.loans):
            yield Finding("FUN-03", owner, about=account.key, detail=lacking, evidence=account.digests)
