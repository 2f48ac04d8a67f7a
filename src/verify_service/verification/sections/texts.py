"""How times, digests, origins and records are written in a report."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from verify_service.domain.records import FurtherRecord, RealProperty
from verify_service.domain.report.assets import Provenance, RecordLine
from verify_service.verification.evidence import Row

CHINA = timezone(timedelta(hours=8))


@lru_cache(maxsize=1024)
def instant(at: datetime) -> str:
    """Return an aware instant at +08:00, to the millisecond. Members of one call share their instants, hence the cache."""
    return at.astimezone(CHINA).isoformat(timespec="milliseconds")


def maybe_instant(at: datetime | None) -> str | None:
    return None if at is None else instant(at)


def maybe_day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def provenance(row: Row) -> Provenance:
    """Return where a row comes from."""
    outcome = row.answer.outcome
    return {
        "member": row.member,
        "source": row.source.id,
        "authority": row.source.authority,
        "level": row.source.level,
        "as_of": maybe_day(outcome.as_of),
        "feedback_at": maybe_instant(outcome.answered_at),
        "answer_digests": sorted(outcome.answer_digests),
    }


def provenances(rows: Iterable[Row]) -> list[Provenance]:
    """Return where rows come from, each origin once: the rows of one answer have the same."""
    return [provenance(row) for row in {(row.member, row.source.id): row for row in rows}.values()]


def record_line(row: Row, known_numbers: Collection[str] = ()) -> RecordLine:
    """Return a row with its origin. Numbers of co-owners who are not in the household, and of relatives, are withheld: nobody asked."""
    record: Any = row.record.model_dump(mode="json")
    if isinstance(row.record, RealProperty):
        for owner in record["co_owners"]:
            if owner["id_number"] not in known_numbers:
                owner["id_number"] = None
    elif isinstance(row.record, FurtherRecord) and record["person"] is None:
        del record["person"]
    elif isinstance(row.record, FurtherRecord):
        for relative in record["person"]["relatives"]:
            relative["id_number"] = None
    return {"provenance": provenance(row), "record": record}
