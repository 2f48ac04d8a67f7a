"""The unit in a building and the right in it, before anybody is known to own it."""

from datetime import date
from typing import Literal, NamedTuple

from verify_service.sandbox.population.identifiers import build_unit_code
from verify_service.sandbox.population.regions import COUNTIES, city_name, region_name
from verify_service.sandbox.population.stream import DigestStream, spread
from verify_service.sandbox.population.subject import Subject, age_on, birth_of
from verify_service.sandbox.population.truth import PresaleContract, RealProperty, Status
from verify_service.sandbox.population.words import STREETS


class _Use(NamedTuple):
    """A planned use, the house type in words, and the smallest and largest area in whole square metres."""

    planned: Literal["residence", "commerce", "office", "garage", "storage", "industry", "other"]
    house_type: str
    smallest_m2: int
    largest_m2: int


_USES = spread(
    (84, _Use("residence", "成套住宅", 35, 140)),
    (7, _Use("garage", "车库", 12, 30)),
    (4, _Use("commerce", "商铺", 20, 90)),
    (3, _Use("storage", "储藏室", 5, 15)),
    (1, _Use("office", "办公用房", 30, 100)),
    (1, _Use("other", "其他", 20, 60)),
)
_STATES: tuple[Status, ...] = spread((85, "current"), (9, "historic"), (2, "cancelled"), (4, "pending"))
_NATURES = spread((45, "市场化商品房"), (15, "房改房"), (15, "安置房"), (10, "经济适用房"), (15, "自建房"))
_REASONS: tuple[Literal["purchase", "inheritance", "gift", "resettlement", "divorce", "built"], ...] = spread(
    (70, "purchase"), (6, "inheritance"), (6, "gift"), (14, "resettlement"), (4, "divorce")
)
_CONTRACT_STATES: dict[Status, Literal["filed", "cancelled", "registered"]] = {
    "pending": "filed",
    "cancelled": "cancelled",
    "current": "registered",
}
_STRUCTURES = ("钢筋混凝土", "混合", "砖木")
_OLDEST_PRESALE_DAYS = 1_000


def build_home(stream: DigestStream, subject: Subject, owners: list[str]) -> RealProperty:
    """Return a unit and the right in it. The caller says who owns it: co_ownership is "sole" until then.

    A `historic` right was sold, a `cancelled` one lapsed (or the presale was called off), a `pending` one is a presale contract in
    force. No right is older than its youngest owner.
    """
    region = stream.pick(COUNTIES) if stream.happens(10, 100) else subject.region
    use, status, nature = stream.pick(_USES), stream.pick(_STATES), stream.pick(_NATURES)
    youngest = min(age_on(birth_of(owner), subject.as_of) for owner in owners)
    registered = stream.day_before(subject.as_of, 40, _OLDEST_PRESALE_DAYS if status == "pending" else min(9_000, youngest * 365))
    area = stream.between(use.smallest_m2 * 100, use.largest_m2 * 100) * 100
    inner = area * stream.between(78, 92) // 10_000 * 100
    price = area // 100 * stream.between(3_000, 9_000)
    total_floors = stream.between(1, 2) if nature == "自建房" else stream.between(5, 33)
    homestead = nature == "自建房" and use.planned == "residence"
    old = registered.year < 2015
    presale = _presale(stream, registered, status)
    unregistered = presale is not None and presale.state != "registered"
    bought = presale is not None or stream.happens(70, 100)
    return RealProperty(
        status=status,
        unit_code=build_unit_code(stream, region),
        certificate_no=None if unregistered else _certificate(stream, registered, region),
        certificate_type="presale" if unregistered else "house_ownership" if old else "real_property_certificate",
        right_type="宅基地使用权/房屋所有权" if homestead else "国有建设用地使用权/房屋所有权",
        location=_location(stream, region, total_floors),
        building_area_cm2=area,
        inner_area_cm2=inner,
        shared_area_cm2=area - inner,
        land_area_cm2=area if homestead else None,
        planned_use=use.planned,
        house_nature=nature,
        house_type=use.house_type,
        structure=stream.pick(_STRUCTURES),
        floor=-1 if use.planned == "garage" else stream.between(1, total_floors),
        total_floors=total_floors,
        completed_year=registered.year - stream.below(15),
        co_ownership="sole",
        share=None,
        co_owners=(),
        co_owners_known=not (old and stream.happens(20, 100)),
        registered=registered,
        registration_reason="built" if homestead else "purchase" if bought else stream.pick(_REASONS),
        right_ended=_ended(stream, registered, subject.as_of) if status in {"historic", "cancelled"} else None,
        term_end=None if homestead else date(registered.year + (70 if use.planned == "residence" else 40), 6, 30),
        mortgaged=status == "current" and stream.happens(15, 100),
        seized=status == "current" and stream.happens(2, 100),
        preliminary_notice=status == "pending" or stream.happens(1, 100),
        objection=stream.happens(3, 1_000),
        right_of_residence=stream.happens(1, 100),
        price_fen=price if bought and not homestead else None,
        assessed_fen=price * stream.between(80, 130) // 100,
        registry_office=f"{city_name(region)}不动产登记中心",
        region=region,
        presale=presale,
        residential=use.planned == "residence",
        rural_homestead=homestead,
    )


def _presale(stream: DigestStream, registered: date, status: Status) -> PresaleContract | None:
    """Return the contract of a pending right, of some newer rights that lapsed, and of some in force since it was registered."""
    state = _CONTRACT_STATES.get(status)
    if state is None or (status != "pending" and (registered.year < 2015 or stream.happens(85, 100))):
        return None
    return PresaleContract(f"示预{registered.year}{stream.digits(7)}", stream.day_before(registered, 0, 700), state)


def _certificate(stream: DigestStream, registered: date, region: str) -> str:
    if registered.year < 2015:
        return f"{city_name(region)}房权证字第{stream.digits(8)}号"
    return f"示({registered.year}){city_name(region)}不动产权第{stream.digits(7)}号"


def _location(stream: DigestStream, region: str, total_floors: int) -> str:
    street, number = stream.pick(STREETS), stream.between(1, 400)
    return f"{region_name(region)}{street}{number}号{stream.between(1, 20)}栋{stream.between(1, total_floors)}{stream.below(8):02d}室"


def _ended(stream: DigestStream, registered: date, as_of: date) -> date:
    """Return the day the right ended: half of them within two years, where a look-back would find it."""
    latest = (as_of - registered).days - 1
    return stream.day_before(as_of, 1, min(latest, 700) if stream.happens(50, 100) else latest)
