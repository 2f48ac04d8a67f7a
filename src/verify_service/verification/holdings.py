"""Securities, market entities and housing fund accounts: one thing per key (M4), and what of it counts (M14, M16)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import cast

from verify_service.domain.interval import NOTHING, NOTHING_MISSING, Interval, total
from verify_service.domain.policy import Policy
from verify_service.domain.records import BusinessRole, ContributedCapital, Disclosure, FundAccount, RecordStatus, SecuritiesTotal
from verify_service.verification.assets import AFTER_THE_DAY, COUNTED, NOT_IN_FORCE, Asset, Standing, asset, of_member, things
from verify_service.verification.evidence import Evidence, Row

_ENDED = frozenset({"cancelled", "moved_out"})  # a revoked licence has not ended the entity: its owners are still liable (M16)
_FOUNDED = {"established": 0}


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
    told_only_a_flag = account.record.disclosure is Disclosure.FLAG
    return Interval.of(securities_value(account.record), account.cell if told_only_a_flag else NOTHING_MISSING)


def businesses(evidence: Evidence, counted: Collection[str], policy: Policy, day: date) -> Iterator[Asset[BusinessRole]]:
    """Return each entity once with all roles of all members as its rows: three rows of one company are one entity.

    `day` is the day property is asked for.
    """
    rows = evidence.of("business")
    codes = {r.registration_no: r.uscc for row in rows if (r := _role(row)).registration_no and r.uscc}

    def key(row: Row) -> str:
        r = _role(row)
        return r.uscc or codes.get(r.registration_no or "") or r.registration_no or r.source_key

    for thing in things(rows, key, _member_and_role):
        found = asset(thing, _role(thing.heads[0]), _business_standing(thing.heads, counted, policy, day), counted, _FOUNDED)
        yield replace(found, conflicts=(*found.conflicts, *_capital_conflict(found.rows, policy)))


def _role(row: Row) -> BusinessRole:
    return cast("BusinessRole", row.record)


def _member_and_role(row: Row) -> tuple[str, str]:
    return row.member, _role(row).role


def runs(role: BusinessRole, day: date) -> bool:
    """Say whether the role was held on that day (M7): an entity that ended later still ran, one that was founded later did not."""
    if role.established > day:
        return False
    if role.status is RecordStatus.CURRENT and role.registration_status not in _ENDED:
        return True
    return role.status is not RecordStatus.PENDING and role.status_since is not None and role.status_since > day


def suspended_until(role: BusinessRole, policy: Policy) -> date | None:
    """Return the last day on which a claim of a borrowed name suspends the role; None without claim, or without the day of it."""
    claimed = role.name_borrow_claimed_on if role.name_borrow_claim else None
    return None if claimed is None else claimed + timedelta(days=policy.rules.assets.name_borrow_suspends_days)


def claimants(rows: Iterable[Row], policy: Policy, day: date) -> set[str]:
    """Return the members whose claim of a borrowed name suspends what the entity's rows say of them on that day (M16).

    A claim without a day suspends: nobody can say that its time is over.
    """
    claims = ((row.member, r, suspended_until(r, policy)) for row in rows if (r := _role(row)).name_borrow_claim)
    return {member for member, role, until in claims if until is None or (role.name_borrow_claimed_on or day) <= day <= until}


def _business_standing(rows: Sequence[Row], counted: Collection[str], policy: Policy, day: date) -> Standing:
    live = [row for row in rows if runs(_role(row), day)]
    if not live:
        later = all(_role(row).established > day for row in rows)
        return (AFTER_THE_DAY if later else NOT_IN_FORCE)._replace(rule="M16")
    own = [row for row in live if row.member in counted] or live
    if {row.member for row in own} <= claimants(own, policy, day):
        return Standing(counted=False, reason="name_borrow_claim", rule="M16", review=True)
    roles = [_role(row) for row in own]
    if all(r.role == "cooperative_member" and r.contribution is None for r in roles):
        return Standing(counted=False, reason="cooperative_member", rule="M16")
    if policy.rules.assets.family_shop_exempt and all(r.role == "sole_trader" and r.employees == 0 for r in roles):
        return Standing(counted=False, reason="family_shop", rule="M16", review=True)
    return COUNTED._replace(rule="M16")


def _capital_conflict(rows: Sequence[Row], policy: Policy) -> tuple[str, ...]:
    """Name the subscribed capital if registers tell one member's differently beyond the tolerance (M6)."""
    if len({row.source.id for row in rows}) < 2:
        return ()
    told: dict[str, list[int]] = {}
    for row in rows:
        if row.in_force and (paid := _role(row).contribution) is not None:
            told.setdefault(row.member, []).append(paid.subscribed_fen)
    differ = any(max(amounts) - min(amounts) > policy.rules.tolerances.money_fen for amounts in told.values())
    return ("subscribed_fen",) if differ else ()


def capital(entity: Asset[BusinessRole], counted: Collection[str], policy: Policy, day: date) -> Interval:
    """Return the capital of the household's members in fen, each contribution once: subscribed (认缴) or paid in (实缴) as the rules say.

    The two are never mixed (C10.13). A foreign contribution, or one whose paid-in part is not told, is missing, not zero; one
    under review may be hers or not, and adds from nothing to the whole of it (M16).
    """
    if not (entity.standing.counted or entity.standing.review):
        return NOTHING
    claimed = claimants(entity.rows, policy, day)
    told: dict[str, Interval] = {}
    for row in entity.rows:
        if row.member in counted and row.member not in told and _role(row).contribution is not None and runs(_role(row), day):
            amount = _contributed(row, policy)
            open_ = entity.standing.review or row.member in claimed
            told[row.member] = amount.or_nothing(entity.cell) if open_ else amount
    return total(told.values())


def _contributed(row: Row, policy: Policy) -> Interval:
    role = _role(row)
    paid = cast("ContributedCapital", role.contribution)
    amount = paid.paid_in_fen if policy.rules.assets.business_capital == "paid_in" else paid.subscribed_fen
    if role.capital_currency == "CNY" and amount is not None:
        return Interval.of(amount)
    return Interval.of(0, frozenset({f"{row.member}:{row.source.id}"}))


def fund_accounts(evidence: Evidence, counted: Collection[str], policy: Policy) -> Iterator[Asset[FundAccount]]:
    """Return each account once. Its balance is shown, and is a financial asset only where the rules say so (M14)."""

    def key(row: Row) -> str:
        record = cast("FundAccount", row.record)
        return f"{row.member} {record.centre_code} {record.account_masked}"

    left_out = Standing(counted=False, reason="fund_balance_excluded", rule="M14")
    standing = COUNTED._replace(rule="M14") if policy.rules.assets.fund_balance_counts else left_out
    tolerances = {"base_fen": policy.rules.tolerances.money_fen}
    for thing in things(evidence.of("housing_fund"), key, of_member):
        yield asset(thing, cast("FundAccount", thing.heads[0].record), standing, counted, tolerances)
