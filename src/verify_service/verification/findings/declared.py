"""Declared against found (A00): each finding names both facts, the found one with its evidence."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from verify_service.domain.findings import Finding
from verify_service.domain.interval import Exact, Interval, Unit, divided, total
from verify_service.domain.policy import Policy
from verify_service.domain.request import VerificationRequest
from verify_service.verification import further
from verify_service.verification.assets import Asset, digests, pieces
from verify_service.verification.evidence import Row, row_digests
from verify_service.verification.findings.limits import of_income
from verify_service.verification.holdings import worth
from verify_service.verification.income import MemberIncome
from verify_service.verification.merge import Merged

_Compared = tuple[str, Interval, int | None, Unit, Iterable[Asset[Any]]]  # what, found, declared, the things found


def by_class(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """DEC-01 surely more found than declared, DEC-02 surely less, of one person's class of income."""
    for member in (m for m in request.household.members if m.counted):
        received = merged.income.members[member.ref]
        for c in received.classes:
            if c.proven is not None:
                yield from _differs(member.ref, c.name, c.proven, c.declared or 0, "fen", _evidence_of(received, c.name), policy)


def _evidence_of(received: MemberIncome, of_class: str) -> tuple[str, ...]:
    rows: Iterable[Row] = (row for w in received.wages for row in w.rows)
    if of_class == "transfer":
        rows = (row for b in received.benefits for row in b.rows)
    return row_digests(rows)


def of_assets(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """DEC-01 and DEC-02 of what the household owns; only what was declared is compared, counts have findings of their own."""
    said = request.household.declared_assets
    if said is None:
        return
    area = merged.figures["home_area_per_capita"].scaled(len(merged.counted))
    held = total([_silent(merged, "securities"), *map(worth, merged.securities)])
    owned = [b for b in merged.businesses if b.standing.counted]
    claimed = [b for b in merged.businesses if b.standing.review]
    running = pieces(owned, claimed, _silent(merged, "business").missing)
    balance = sum(a.record.balance_fen for a in merged.fund_accounts if a.owners[0] in merged.counted)
    funds = Interval.of(balance, _silent(merged, "housing_fund").missing)
    compared: tuple[_Compared, ...] = (
        ("home_area", area, said.home_area_cm2, "cm2", merged.homes),
        ("securities", held, said.securities_fen, "fen", merged.securities),
        ("businesses", running, said.businesses, "pieces", owned),
        ("housing_fund_balance", funds, said.housing_fund_balance_fen, "fen", merged.fund_accounts),
        *_further(said.further_fen, merged),
    )
    for name, found, declared, unit, things in compared:
        if declared is not None:
            yield from _differs(None, name, found, declared, unit, digests(things), policy)


def _further(said: Mapping[str, int], merged: Merged) -> Iterator[_Compared]:
    """Set amounts of kinds that sources bring beside what is declared of them; a kind that adds to no figure is not compared."""
    for kind, declared in sorted(said.items()):
        facts = merged.further_kinds.get(kind)
        if facts is not None and facts.figure is not None:
            things = [thing for thing in merged.further if thing.record.kind == kind]
            yield kind, total([_silent(merged, kind), *map(further.worth, things)]), declared, "fen", things


def _silent(merged: Merged, kind: str) -> Interval:
    return Interval.of(0, merged.evidence.missing((kind,), merged.counted))


def _differs(  # noqa: PLR0913, PLR0917 - both facts and where they come from
    member: str | None, about: str, found: Interval, said: int, unit: Unit, evidence: Collection[str], policy: Policy
) -> Iterator[Finding]:
    """Compare beyond the tolerance of the larger of the two."""
    tolerance = policy.rules.tolerances.declared_bp
    where: dict[str, Any] = {"about": about, "measured": found, "line": said, "unit": unit, "evidence": tuple(evidence)}
    if (found.lower - said) * 10_000 > tolerance * found.lower:
        yield Finding("DEC-01", member, **where)
    elif found.upper is not None and (said - found.upper) * 10_000 > tolerance * said:
        yield Finding("DEC-02", member, **where)


def of_the_whole(_request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """DEC-03: the household's income is surely more than declared by more than the rules allow, where anything was declared."""
    incomes = [merged.income.members[ref] for ref in merged.income.in_total]
    declared = [c.declared for member in incomes for c in member.classes if c.declared is not None]
    line: Exact = divided(sum(declared) * (10_000 + policy.rules.tolerances.declared_total_bp), 10_000)
    if declared and merged.income.total.lower > line:
        evidence = of_income(merged, merged.income.in_total)
        yield Finding("DEC-03", measured=merged.income.total, line=line, unit="fen", evidence=evidence)


def expenditure(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """EXP-01: declared rigid expenditure surely takes the local part of the income, month against month."""
    spent, line = request.household.declared_expenditure, policy.programme.rigid_expenditure_from_bp
    if spent is None or line is None or not spent.total_fen:
        return
    ratio = Interval.of(spent.total_fen).per(request.spending_period.months).ratio_to(merged.income.monthly)
    if ratio is None or ratio.lower >= line:
        evidence = of_income(merged, merged.income.in_total)
        yield Finding("EXP-01", measured=ratio, line=line, unit="bp", evidence=evidence)
