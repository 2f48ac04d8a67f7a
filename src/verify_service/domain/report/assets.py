"""What is owned: each thing once, with every record about it and whether it counts."""

from typing import Literal, NotRequired

from pydantic import with_config
from typing_extensions import TypedDict

from verify_service.domain.household import DeclaredAssets
from verify_service.domain.records import Record, Share
from verify_service.domain.report.base import CLOSED, AreaInterval, CountInterval, Day, Digest, Instant, Level, MoneyInterval


@with_config(CLOSED)
class Provenance(TypedDict):
    """Where a record comes from."""

    member: str
    source: str
    authority: str
    level: Level
    as_of: Day | None
    feedback_at: Instant | None
    answer_digests: list[Digest]


@with_config(CLOSED)
class RecordLine(TypedDict):
    """One record with its origin. Numbers of co-owners outside the household are withheld."""

    provenance: Provenance
    record: Record


@with_config(CLOSED)
class Item(TypedDict):
    """One logical asset. records: all evidence, the one that was believed first (M5, M6).

    review: true where an officer must look before it counts or not (M10, M16); else left out.
    """

    key: str
    owners: list[str]
    counted: bool
    review: NotRequired[Literal[True]]
    reason: str
    rule: str
    household_share: Share | None
    conflicts: list[str]
    records: list[RecordLine]


@with_config(CLOSED)
class FurtherKindSection(TypedDict):
    """Everything of a kind that a source brings. total: what it adds to `figure`, null if it is no asset."""

    kind: str
    title: str
    title_zh: str
    figure: str | None
    items: list[Item]
    total: MoneyInterval | None


@with_config(CLOSED)
class PropertySection(TypedDict):
    """财产核对. Totals are the household's; what belongs to others is listed, not counted. declared null: nothing was declared.

    further: kinds that sources bring; left out where none of the sources brings one.
    """

    declared: DeclaredAssets | None
    vehicles: list[Item]
    vehicles_total: CountInterval
    vehicle_value_highest: MoneyInterval
    farm_machines_total: CountInterval
    homes: list[Item]
    homes_total: CountInterval
    home_area_per_capita: AreaInterval
    non_residential_total: CountInterval
    securities: list[Item]
    financial_assets_total: MoneyInterval
    businesses: list[Item]
    business_capital_total: MoneyInterval
    housing_fund: list[Item]
    further: NotRequired[list[FurtherKindSection]]
