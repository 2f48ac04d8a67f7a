"""Findings about the time that a report took (办理时限): they speak of the issue, not of the household."""

from collections.abc import Iterator
from datetime import date

from verify_service.domain.findings import Finding


def overdue(due_on: date | None, concluded_on: date | None) -> Iterator[Finding]:
    """TIM-01: the report was there only after the day on which it was due. Of reports that do not know both days, nothing is said."""
    if due_on is not None and concluded_on is not None and concluded_on > due_on:
        yield Finding("TIM-01", about="due_on", detail=f"due {due_on}, concluded {concluded_on}")
