"""Securities as the depository tells them: totals per account, for about 3 % of people; some accounts are empty."""

from datetime import date, timedelta
from typing import Literal, NamedTuple

from verify_service.sandbox.population.stream import DigestStream, spread
from verify_service.sandbox.population.subject import Subject, yuan
from verify_service.sandbox.population.truth import SecuritiesTotal

_PER_TEN_THOUSAND_ADULTS = 373

_Market = Literal["shanghai", "shenzhen", "beijing", "neeq", "open_fund"]


class _Account(NamedTuple):
    """A market and the class of account opened there."""

    market: _Market
    account_class: Literal["a_share", "b_share", "fund", "credit"]


_SHANGHAI, _SHENZHEN = _Account("shanghai", "a_share"), _Account("shenzhen", "a_share")
_SETS: tuple[tuple[_Account, ...], ...] = spread(
    (55, (_SHANGHAI, _SHENZHEN)),
    (20, (_SHENZHEN,)),
    (15, (_Account("open_fund", "fund"),)),
    (5, (_SHANGHAI, _SHENZHEN, _Account("shanghai", "credit"))),
    (3, (_Account("beijing", "a_share"), _SHANGHAI)),
    (2, (_Account("neeq", "a_share"),)),
)
_STATES: tuple[Literal["normal", "dormant", "closed"], ...] = spread((85, "normal"), (11, "dormant"), (4, "closed"))
_CUSTODIANS = ("示例证券", "虚构证券", "样例证券", "假定证券")


def securities_of(subject: Subject) -> tuple[SecuritiesTotal, ...]:
    """Return one total for each account, all with one custodian under one 一码通 code."""
    stream = subject.stream("securities")
    if subject.age < 18 or not stream.happens(_PER_TEN_THOUSAND_ADULTS * subject.hits):
        return ()
    one_code, custodian = f"18{stream.digits(10)}", stream.pick(_CUSTODIANS)
    opened = stream.day_before(subject.as_of, 15, min(6_000, (subject.age - 17) * 365))
    return tuple(_total(stream, subject.as_of, one_code, custodian, opened, account) for account in stream.pick(_SETS))


def _total(stream: DigestStream, as_of: date, one_code: str, custodian: str, opened: date, account: _Account) -> SecuritiesTotal:
    """Return one account: three in ten in use hold nothing, and dormant and closed ones never do."""
    state = stream.pick(_STATES)
    value = yuan(stream.between(50, 60_000)) + stream.below(100) if state == "normal" and stream.happens(70, 100) else 0
    is_fund, is_neeq = account.account_class == "fund", account.market == "neeq"
    return SecuritiesTotal(
        status="cancelled" if state == "closed" else "current",
        one_code=one_code,
        account=stream.digits(10),
        market=account.market,
        account_class=account.account_class,
        open_date=opened,
        account_state=state,
        custodian=custodian,
        stock_value_fen=0 if is_fund or is_neeq else value,
        neeq_shares=value // 300 if is_neeq else 0,
        neeq_value_fen=value if is_neeq else 0,
        fund_value_fen=value if is_fund else value // 5 if stream.happens(10, 100) else 0,
        bond_value_fen=value // 3 if stream.happens(5, 100) else 0,
        cash_balance_fen=stream.below(500_000) if state == "normal" and stream.happens(20, 100) else None,
        frozen_value_fen=value // 2 if stream.happens(2, 100) else 0,
        margin_debt_fen=value // 4 if account.account_class == "credit" else 0,
        price_date=_last_weekday(as_of),
        suspended_valued_at_last_price=value > 0 and stream.happens(2, 100),
    )


def _last_weekday(day: date) -> date:
    """Return the day itself, or the Friday before a weekend; the holidays of the exchange are not looked at."""
    return day - timedelta(days=max(0, day.weekday() - 4))
