"""The household financial report (居民家庭经济状况核对报告): the object whose canonical bytes are signed.

Sections follow domain reference C7. Money is an integer of fen, area an integer of cm2; there is no float and no verdict.
Everything but `header` is a pure function of request, answers and policy (M30). A report that is not final cannot be
`usable_for` a decision: the schema has no such header.
"""

from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from verify_service.domain.report.amendments import AmendmentLine
from verify_service.domain.report.assets import PropertySection
from verify_service.domain.report.base import CLOSED
from verify_service.domain.report.header import ReportHeader
from verify_service.domain.report.income import (
    BenefitsSection,
    ComparedLine,
    DataNote,
    ExpenditureSection,
    FindingLine,
    IncomeSection,
    Objection,
)
from verify_service.domain.report.origin import Commissioned, ConsentLine, CoverageCell, HouseholdSection, PolicyReference, SourceFacts

FORMAT: Literal["verify-service/report/1"] = "verify-service/report/1"


@with_config(CLOSED)
class Report(TypedDict):
    """One version of a report. coverage: the member x source matrix; gaps: the required cells (`member:source`) without a fact."""

    format: Literal["verify-service/report/1"]
    header: ReportHeader
    coverage: list[CoverageCell]
    gaps: list[str]
    sources: list[SourceFacts]
    policy: PolicyReference
    commission: Commissioned
    consents: list[ConsentLine]
    household: HouseholdSection
    income: IncomeSection
    property: PropertySection
    expenditure: ExpenditureSection
    benefits: BenefitsSection
    lines: list[ComparedLine]
    findings: list[FindingLine]
    data_notes: list[DataNote]
    objection: Objection
    amendments: list[AmendmentLine]
    use_restriction: str


@cache
def report_adapter() -> TypeAdapter[Report]:
    """Return the validator of reports, built once."""
    return TypeAdapter(Report)


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema that is published as schemas/report.schema.json."""
    return report_adapter().json_schema() | {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Household report"}


__all__ = ["FORMAT", "Report", "ReportHeader", "report_adapter", "report_schema"]
