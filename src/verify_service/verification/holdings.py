"""Securities, market entities and housing fund accounts: one thing per key (M4), and what of it counts (M14, M16)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import cast

from verify_service.domain.interval import NOTHING, Interval
from verify_service.domain.policy import Policy
from verify_service.domain.records import BusinessRole, Disclosure, FundAccount, RecordStatus, SecuritiesTotal
from verify_service.verification.assets import COUNTED, NOT_IN_FORCE, Asset, Standing, asset, of_member, things
from verify_service.verification.evidence import Evidence, Row

_ENDED = frozenset({"cancelled", "moved_out"})  # a revoked licence has not ended the entity: its owners are still liable (M16)


def securities(evidence: Evidence, counted: Collection[str], policy: Policy) -> Iterator[Asset[SecuritiesTotal]]:
    """Return each account at each custodian once, with its newest total: two dates of one account are never added."""

    def key(row: Row) -> str:
        r = cast("SecuritiesTotal", row.record)
        return f"{row.member} {r.market} {r.custodian} {r.account_class} {r.account_masked}"

    for thing in things(evidence.of("securities"), key, _query_date):
        thing.heads.sort(key=_query_date, reverse=True)
        record = cast("SecuritiesTotal", thing.heads[0].record)
        standing = COUNTED if record.status is RecordStatus.CURRENT else NOT_IN_FORCE
        found = asset(thing, record, standing._replace(rule="M14"), counted)
        yield replace(found, conflicts=(*found.conflicts, *_value_conflict(found.rows, policy)))


def _value_conflict(rows: Sequence[Row], policy: Policy) -> tuple[str, ...]:
    """Totals of one day that differ by more than the tolerance contradict each other (M6)."""
    by_day: dict[date, list[int]] = {}
    for row in rows:
        record = cast("SecuritiesTotal", row.record)
        if row.in_force and record.disclosure is not Disclosure.FLAG:
            by_day.setdefault(record.query_date, []).append(securities_value(record))
    differ = any(max(values) - min(values) > policy.rules.tolerances.money_fen for values in by_day.values())
    return ("value",) if differ else ()


def _query_date(row: Row) -> date:
    return cast("SecuritiesTotal", row.record).query_date


def securities_value(record: SecuritiesTotal) -> int:
    """Return the value in fen: market values, and the cash where the custodian tells it (M14)."""
    values = record.stock_value_fen + record.neeq_value_fen + record.fund_value_fen + record.bond_value_fen
    return values + (record.cash_balance_fen or 0)


def worth(account: Asset[SecuritiesTotal]) -> Interval:
    """Return what a counted account adds to the financial assets; where only a flag is told the amount is missing (M15)."""
    if not account.standing.counted:
        return NOTHING
    first = account.rows[0]
    told_only_a_flag = account.record.disclosure is Disclosure.FLAG
    return Interval.of(securities_value(account.record), frozenset({f"{first.member}:{first.source.id}"} if told_only_a_flag else ()))


def businesses(evidence: Evidence, counted: Collection[str], policy: Policy) -> Iterator[Asset[BusinessRole]]:
    """Return each entity once with all roles of all members as its rows: three rows of one company are one entity."""
    for thing in things(evidence.of("business"), _entity, _member_and_role):
        yield asset(thing, cast("BusinessRole", thing.heads[0].record), _business_standing(thing.heads, policy), counted)


def _member_and_role(row: Row) -> tuple[str, str]:
    return row.member, cast("BusinessRole", row.record).role


def _entity(row: Row) -> str:
    record = cast("BusinessRole", row.record)
    return record.uscc or record.registration_no or record.source_key


def _business_standing(rows: list[Row], policy: Policy) -> Standing:
    roles = [cast("BusinessRole", row.record) for row in rows]
    live = [r for r in roles if r.status is RecordStatus.CURRENT and r.registration_status not in _ENDED]
    if not live:
        return NOT_IN_FORCE._replace(rule="M16")
    if any(r.name_borrow_claim for r in live):
        return Standing(counted=False, reason="name_borrow_claim", rule="M16")
    if all(r.role == "cooperative_member" and r.contribution is None for r in live):
        return Standing(counted=False, reason="cooperative_member", rule="M16")
    if policy.rules.assets.family_shop_exempt and all(r.role == "sole_trader" and r.employees == 0 for r in live):
        return Standing(counted=False, reason="family_shop", rule="M16")
    return COUNTED._replace(rule="M16")


def capital(entity: Asset[BusinessRole], counted: Collection[str], policy: Policy) -> Interval:
    """Return the capital of the household's members in fen, each contribution once: subscribed (认缴) or paid in (实缴) as the rules say.

    The two are never mixed (C10.13). A foreign contribution, or one whose paid-in part is not told, is missing, not zero (M16).
    """
    paid_in = policy.rules.assets.business_capital == "paid_in"
    total, missing, seen = 0, set[str](), set[str]()
    for row in entity.rows:
        record = cast("BusinessRole", row.record)
        if record.contribution is None or row.member not in counted or row.member in seen or record.status is not RecordStatus.CURRENT:
            continue
        seen.add(row.member)
        amount = record.contribution.paid_in_fen if paid_in else record.contribution.subscribed_fen
        if record.capital_currency == "CNY" and amount is not None:
            total += amount
        else:
            missing.add(f"{row.member}:{row.source.id}")
    return Interval.of(total, frozenset(missing))


def fund_accounts(evidence: Evidence, counted: Collection[str]) -> Iterator[Asset[FundAccount]]:
    """Return each account once. Its balance is shown and never counts as a financial asset (M14)."""

    def key(row: Row) -> str:
        record = cast("FundAccount", row.record)
        return f"{row.member} {record.centre_code} {record.account_masked}"

    standing = Standing(counted=False, reason="fund_balance_excluded", rule="M14")
    for thing in things(evidence.of("housing_fund"), key, of_member):
        yield asset(thing, cast("FundAccount", thing.heads[0].record), standing, counted)
