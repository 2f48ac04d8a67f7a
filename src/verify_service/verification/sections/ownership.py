"""What is owned, and the register's own records of pensions and insurance."""

from collections.abc import Collection, Sequence
from typing import Any

from verify_service.domain.interval import Interval, total
from verify_service.domain.report.assets import Item, PropertySection
from verify_service.domain.report.income import BenefitsSection
from verify_service.domain.request import VerificationRequest
from verify_service.verification.assets import Asset
from verify_service.verification.further import worth
from verify_service.verification.merge import Merged
from verify_service.verification.sections.income import declared
from verify_service.verification.sections.texts import record_line


def ownership(request: VerificationRequest, merged: Merged) -> PropertySection:
    """Return every asset of everybody with its standing, and the household's totals."""
    figures = merged.figures
    numbers = frozenset(m.id_number.reveal() for m in merged.household.members) if merged.homes else frozenset()
    assets = request.household.declared_assets
    section: dict[str, Any] = {
        "declared": assets and declared(assets),
        "vehicles": _items(merged.vehicles),
        "vehicle_value_highest": figures["vehicle_value"].to_json("fen"),
        "farm_machines_total": figures["farm_machines"].to_json("pieces"),
        "vehicles_total": figures["vehicles"].to_json("pieces"),
        "homes": _items(merged.homes, numbers),
        "homes_total": figures["homes"].to_json("pieces"),
        "home_area_per_capita": figures["home_area_per_capita"].to_json("cm2"),
        "non_residential_total": figures["non_residential"].to_json("pieces"),
        "securities": _items(merged.securities),
        "financial_assets_total": figures["financial_assets"].to_json("fen"),
        "businesses": _items(merged.businesses),
        "business_capital_total": figures["business_capital"].to_json("fen"),
        "housing_fund": _items(merged.fund_accounts),
        **_further(merged, "property"),
    }
    return section  # type: ignore[return-value] # a test reads every composed report with the published model


def _further(merged: Merged, section: str) -> Any:
    """Return `further` with the kinds that sources bring to this section, or nothing where there is none."""
    kinds = {kind: facts for kind, facts in merged.further_kinds.items() if facts.section == section}
    if not kinds:
        return {}
    sections: list[Any] = []
    for kind, facts in kinds.items():
        things = [thing for thing in merged.further if thing.record.kind == kind]
        silent = Interval.of(0, merged.evidence.missing([kind], merged.counted))
        sum_of = total([silent, *map(worth, things)]).to_json("fen") if facts.figure else None
        titles = {"kind": kind, "title": facts.title, "title_zh": facts.title_zh, "figure": facts.figure}
        sections.append({**titles, "items": _items(things), "total": sum_of})
    return {"further": sections}


def _items(assets: Sequence[Asset[Any]], numbers: Collection[str] = ()) -> list[Item]:
    return [_item(asset, numbers) for asset in assets]


def _item(asset: Asset[Any], numbers: Collection[str]) -> Item:
    share: Any = None if asset.share is None else {"numerator": asset.share.numerator, "denominator": asset.share.denominator}
    item: Item = {
        "key": asset.key,
        "owners": list(asset.owners),
        "counted": asset.standing.counted,
        "reason": asset.standing.reason,
        "rule": asset.standing.rule,
        "household_share": share,
        "conflicts": list(asset.conflicts),
        "records": [record_line(row, numbers) for row in asset.rows],
    }
    if asset.standing.review:
        item["review"] = True
    return item


def benefits(merged: Merged) -> BenefitsSection:
    """Return the records of insurance and pensions in canonical order."""
    records: Any = {
        "contributions": [record_line(row) for row in merged.evidence.of("contribution")],
        "benefits": [record_line(row) for row in merged.evidence.of("benefit")],
        **_further(merged, "benefits"),
    }
    return records  # type: ignore[no-any-return]
