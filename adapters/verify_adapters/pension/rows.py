"""A person's rows as records: one contribution per insurance, region and unit in its latest month, and every benefit."""

from collections.abc import Iterable, Sequence

from verify_adapters.pension.wire import Benefit, Contribution, Split
from verify_service.domain.records import BenefitSplit, PensionBenefit, RecordStatus, SocialContribution


class RowContradiction(Exception):
    """Rows that cannot all be true; the argument names the rule."""


def records_of(rows: Sequence[Contribution | Benefit]) -> list[SocialContribution | PensionBenefit]:
    """Return the records. Raises RowContradiction.

    Earlier months stay in the evidence. Entries of the same month are added up (a supplement corrects its month); the
    register may list the same entry twice, which counts once.
    """
    once = _each_once(rows)
    contributions = [row for row in once if isinstance(row, Contribution)]
    benefits = [row for row in once if isinstance(row, Benefit)]
    return [*(_contribution(month) for month in _latest_months(contributions)), *(_benefit(row) for row in benefits)]


def _each_once(rows: Iterable[Contribution | Benefit]) -> list[Contribution | Benefit]:
    found: dict[str, Contribution | Benefit] = {}
    for row in rows:
        first = found.setdefault(row.entry_no, row)
        if first is not row and first != row:  # comparing a row with itself would look at every field
            raise RowContradiction("one entry number, two entries")
    return list(found.values())


def _latest_months(rows: Iterable[Contribution]) -> list[list[Contribution]]:
    """Group by insurance, region and unit; keep each group's entries of its latest month, the regular one first."""
    groups: dict[tuple[str, str, str], list[Contribution]] = {}
    for row in rows:
        groups.setdefault((row.insurance_type, row.pooling_region, row.unit.uscc if row.unit else ""), []).append(row)
    latest = []
    for group in groups.values():
        month = max(row.month for row in group)
        latest.append(sorted((row for row in group if row.month == month), key=lambda row: row.entry_kind))
    return latest


def _contribution(month: Sequence[Contribution]) -> SocialContribution:
    """Return the record of one month's entries."""
    row = month[0]
    if any(more.entry_kind == "1" for more in month[1:]):
        raise RowContradiction("two regular entries of a month")
    base = sum(entry.base for entry in month)
    personal, unit = sum(entry.personal_amount for entry in month), sum(entry.unit_amount for entry in month)
    if row.person_category != "resident" and personal + unit > base:
        raise RowContradiction("contribution exceeds its base")
    return SocialContribution(
        source_key=row.entry_no,
        status=RecordStatus.HISTORIC if row.insured_state == "ended" else RecordStatus.CURRENT,
        insurance_type=row.insurance_type,
        person_category=row.person_category,
        unit_name=row.unit.name if row.unit else None,
        unit_uscc=row.unit.uscc if row.unit else None,
        joined=row.join_date,
        state=row.insured_state,
        month=row.month,
        base_fen=base,
        personal_fen=personal,
        unit_fen=unit,
        arrears_fen=row.arrears,
        last_paid_month=row.last_paid_month,
        months_total=row.months_total,
        prior_year_monthly_income_fen=row.prior_year_monthly_income,
        region=row.pooling_region,
        base_at_floor=row.base_at_floor,
    )


def _benefit(row: Benefit) -> PensionBenefit:
    """Return the record of a benefit; where the parts are given they must add up to the monthly amount."""
    split = None if row.split is None else _split(row.split)
    if split is not None and sum(split.model_dump().values()) != row.monthly_amount:
        raise RowContradiction("parts of the benefit")
    if (row.payment_state == "ended") < (row.death_stop_date is not None):
        raise RowContradiction("paid after it was stopped")
    return PensionBenefit(
        source_key=row.entry_no,
        status=RecordStatus.HISTORIC if row.payment_state == "ended" else RecordStatus.CURRENT,
        benefit_type=row.benefit_type,
        retired=row.retire_date,
        first_paid_month=row.first_paid_month,
        monthly_fen=row.monthly_amount,
        split=split,
        payment_state=row.payment_state,
        pause_reason=row.pause_reason,
        last_paid_month=row.last_paid_month,
        paid_this_year_fen=row.paid_this_year,
        bank=row.bank,
        last_alive_check=row.last_alive_check,
        death_stop=row.death_stop_date,
        region=row.pooling_region,
        back_pay_fen=row.back_pay,
    )


def _split(split: Split) -> BenefitSplit:
    return BenefitSplit(
        basic_fen=split.basic,
        personal_account_fen=split.personal_account,
        transitional_fen=split.transitional,
        increase_fen=split.increase,
        subsidy_fen=split.subsidy,
    )
