"""Market entities (GB 32100): 3.67 % of people have a role in one (domain reference B10); one company may give three rows."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from verify_service.sandbox.population.identifiers import build_uscc
from verify_service.sandbox.population.regions import region_name
from verify_service.sandbox.population.stream import DigestStream, spread
from verify_service.sandbox.population.subject import Subject, yuan
from verify_service.sandbox.population.truth import BusinessRole, ContributedCapital, Share, Status
from verify_service.sandbox.population.words import BRANDS, STREETS

_PER_TEN_THOUSAND_ADULTS = 449
_COUNTS = spread((90, 1), (8, 2), (2, 3))

_EntityType = Literal["company", "sole_trader", "cooperative", "sole_proprietorship", "partnership"]
_Role = Literal["legal_representative", "investor", "executive", "sole_trader", "cooperative_member"]
_State = Literal["active", "revoked", "cancelled", "moved_out", "closed", "suspended"]
_ALL_THREE: tuple[_Role, ...] = ("legal_representative", "investor", "executive")


@dataclass(frozen=True, slots=True)
class _Kind:
    """An entity type: its USCC category, the end of its name, its usual capital in units of 10,000 yuan, who may be in it how."""

    entity_type: _EntityType
    category: str
    suffix: str
    most_capital: int
    roles: tuple[tuple[_Role, ...], ...]


_KINDS = spread(
    (54, _Kind("sole_trader", "92", "店", 10, (("sole_trader",),))),
    (
        34,
        _Kind(
            "company",
            "91",
            "有限公司",
            300,
            spread((45, _ALL_THREE), (20, ("investor",)), (15, ("executive",)), (20, ("legal_representative", "executive"))),
        ),
    ),
    (
        8,
        _Kind(
            "cooperative", "93", "农民专业合作社", 100, spread((85, ("cooperative_member",)), (15, ("legal_representative", "investor")))
        ),
    ),
    (2, _Kind("partnership", "91", "商行(普通合伙)", 50, (("investor",),))),
    (2, _Kind("sole_proprietorship", "91", "经营部", 30, (("investor",),))),
)
_STATES: tuple[_State, ...] = spread((76, "active"), (8, "revoked"), (11, "cancelled"), (1, "moved_out"), (2, "closed"), (2, "suspended"))
_ROW_STATUS: dict[_State, Status] = {"cancelled": "cancelled", "moved_out": "historic"}
_POSITIONS = {"legal_representative": ("执行董事", "总经理"), "executive": ("监事", "董事", "经理"), "sole_trader": ("经营者",)}
_TRADES = (
    ("食品", "F5229", "预包装食品零售"),
    ("百货", "F5211", "日用百货零售"),
    ("农资", "F5166", "种子、化肥零售"),
    ("餐饮", "H6210", "餐饮服务"),
    ("货运", "G5430", "道路货物运输"),
    ("种植", "A0141", "蔬菜种植、销售"),
)
_TOWN_HEADS = ("示例", "样例", "虚构", "假定")


def business_roles_of(subject: Subject) -> tuple[BusinessRole, ...]:
    """Return the person's roles, cancelled entities among them, the roles in one entity side by side."""
    stream = subject.stream("business")
    if subject.age < 18 or not stream.happens(_PER_TEN_THOUSAND_ADULTS * subject.hits):
        return ()
    return tuple(role for _ in range(stream.pick(_COUNTS)) for role in _entity(subject, stream))


def _entity(subject: Subject, stream: DigestStream) -> tuple[BusinessRole, ...]:
    """Return one row for each role the person has in one new entity."""
    kind, state = stream.pick(_KINDS), stream.pick(_STATES)
    trade, industry, scope = stream.pick(_TRADES)
    established = stream.day_before(subject.as_of, 90, min(6_000, (subject.age - 17) * 365))
    approved = stream.day_before(subject.as_of, 60, (subject.as_of - established).days)
    capital = yuan(10_000) * stream.between(1, kind.most_capital)
    open_ended = kind.entity_type != "company" or stream.happens(60, 100)
    uscc, registration_no = build_uscc(stream, subject.region, kind.category), f"{subject.region}{stream.digits(9)}"
    name = f"{region_name(subject.region)}{stream.pick(_TOWN_HEADS)}{stream.pick(BRANDS)}{trade}{kind.suffix}"
    roles = stream.pick(kind.roles)
    contribution = _contribution(stream, capital, established) if "investor" in roles else None
    employees = stream.below(3) if kind.entity_type == "sole_trader" else stream.below(15)
    since = None if state == "active" else stream.day_before(subject.as_of, 1, (subject.as_of - approved).days)
    address = f"{region_name(subject.region)}{stream.pick(STREETS)}{stream.between(1, 400)}号"
    abnormal, frozen, claimed = stream.happens(5, 100), stream.happens(1, 100), stream.happens(1, 100)
    claimed_on = stream.day_before(subject.as_of, 1, 60) if claimed else None
    return tuple(
        BusinessRole(
            status=_ROW_STATUS.get(state, "current"),
            uscc=uscc,
            registration_no=registration_no,
            name=name,
            entity_type=kind.entity_type,
            role=role,
            position=stream.pick(_POSITIONS[role]) if role in _POSITIONS else None,
            registered_capital_fen=capital,
            capital_currency="CNY",
            contribution=contribution if role == "investor" else None,
            established=established,
            approved=approved,
            term_from=established,
            term_to=None if open_ended else established + timedelta(days=20 * 365),
            registration_status=state,
            status_since=since,
            authority=f"{region_name(subject.region)}市场监督管理局",
            address=address,
            scope=scope,
            industry=industry,
            annual_report_year=_report_year(established, since, subject.as_of),
            employees=employees,
            abnormal_list=abnormal,
            equity_frozen=frozen,
            name_borrow_claimed_on=claimed_on,
        )
        for role in roles
    )


def _contribution(stream: DigestStream, capital: int, established: date) -> ContributedCapital:
    """Return a share in hundredths of the capital, and how much of the subscribed sum has been paid in."""
    hundredths = stream.pick((100, 100, 60, 51, 50, 40, 20, 5))
    subscribed = capital * hundredths // 100
    paid_in = subscribed * stream.pick((0, 0, 20, 50, 100)) // 100
    return ContributedCapital(subscribed, paid_in, Share(hundredths, 100), established + timedelta(days=5 * 365))


def _report_year(established: date, ended: date | None, as_of: date) -> int | None:
    """Return the year of the latest annual report: the year before, while the entity lived in it."""
    year = min(as_of.year, ended.year if ended else as_of.year) - 1
    return year if year >= established.year else None
