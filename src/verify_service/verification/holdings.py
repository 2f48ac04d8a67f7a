"""Securities, market entities and housing fund accounts: one thing per key (M4), and what of it counts (M14, M16)."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import cast

from verify_service.domain.interval import Interval
from verify_service.domain.records import BusinessRole, FundAccount, RecordStatus, SecuritiesTotal
from verify_service.verification.assets import COUNTED, NOT_IN_FORCE, Asset, Standing, asset, of_member, things
from verify_service.verification.evidence import Evidence, Row

_ENDED = frozenset({"cancelled", "moved_out"})  # a revoked licence has not ended the entity: its owners are still liable (M16)


def securities(evidence: Evidence, counted: Collection[str]) -> Iterator[Asset[SecuritiesTotal]]:
    """Return each account at each custodian once, with its newest total: two dates of one account are never added."""

    def key(row: Row) -> str:
        r = cast("SecuritiesTotal", row.record)
        return f"{row.member} {r.market} {r.custodian} {r.account_class} {r.account_masked}"

    for thing in things(evidence.of("securities"), key, _query_date):
        thing.heads.sort(key=_query_date, reverse=True)
        record = cast("SecuritiesTotal", thing.heads[0].record)
        standing = COUNTED if record.status is RecordStatus.CURRENT else NOT_IN_FORCE
        yield asset(thing, record, standing._replace(rule="M14"), counted)


def _query_date(row: Row) -> date:
    return cast("SecuritiesTotal", row.record).query_date


def securities_value(record: SecuritiesTotal) -> int:
    """Return the value in fen: market values, and the cash where the custodian tells it (M14)."""
    values = record.stock_value_fen + record.neeq_value_fen + record.fund_value_fen + record.bond_value_fen
    return values + (record.cash_balance_fen or 0)


def businesses(evidence: Evidence, counted: Collection[str]) -> Iterator[Asset[BusinessRole]]:
    """Return each entity once with all roles of all members as its rows: three rows of one company are one entity."""
    for thing in things(evidence.of("business"), _entity, _member_and_role):
        yield asset(thing, cast("BusinessRole", thing.heads[0].record), _business_standing(thing.heads), counted)


def _member_and_role(row: Row) -> tuple[str, str]:
    return row.member, cast("BusinessRole", row.record).role


def _entity(row: Row) -> str:
    record = cast("BusinessRole", row.record)
    return record.uscc or record.registration_no or record.source_key


def _business_standing(rows: list[Row]) -> Standing:
    roles = [cast("BusinessRole", row.record) for row in rows]
    live = [r for r in roles if r.status is RecordStatus.CURRENT and r.registration_status not in _ENDED]
    if not live:
        return NOT_IN_FORCE._replace(rule="M16")
    if any(r.name_borrow_claim for r in live):
        return Standing(counted=False, reason="name_borrow_claim", rule="M16")
    if all(r.role == "cooperative_member" and r.contribution is None for r in live):
        return Standing(counted=False, reason="cooperative_member", rule="M16")
    return COUNTED._replace(rule="M16")


def subscribed(entity: Asset[BusinessRole], counted: Collection[str]) -> Interval:
    """Return the subscribed capital (认缴) of the household's members in fen, each contribution once (M16).

    A foreign contribution has no value in fen without a rate: it is missing, not zero.
    """
    total, missing, seen = 0, set[str](), set[str]()
    for row in entity.rows:
        record = cast("BusinessRole", row.record)
        if record.contribution is None or row.member not in counted or row.member in seen or record.status is not RecordStatus.CURRENT:
            continue
        seen.add(row.member)
        if record.capital_currency == "CNY":
            total += record.contribution.subscribed_fen
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
