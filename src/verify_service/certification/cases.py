"""Hold an answer against what its case declares. The cases' days are those of the contract clock: they move with the calendar."""

import re
from datetime import date
from typing import Any

import orjson
from pydantic import TypeAdapter

from verify_service.certification.asking import Asked
from verify_service.certification.certificate import Line, judged
from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.domain.policy import Calendar
from verify_service.domain.records import Record
from verify_service.sources.cases import CONTRACT_CLOCK, Case
from verify_service.sources.definition import Source
from verify_service.verification.plan import local_day

_RECORD: TypeAdapter[Record] = TypeAdapter(Record)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?", re.ASCII)


def judge(name: str, case: Case, asked: Asked, source: Source, today: date) -> Line:
    """Return the line of a case: the outcome first, then the day, then the records; the first difference is told."""
    expected = expected_code(case, source, today)
    if asked.code is not expected:
        detail = asked.answer.outcome.detail
        return judged("case", name, expected.value, f"{asked.code.value} ({detail})" if detail else asked.code.value, holds=False)
    difference = _difference(case, asked, today)
    return judged("case", name, expected.value, difference or expected.value, holds=difference is None)


def expected_code(case: Case, source: Source, today: date) -> OutcomeCode:
    """Return the outcome that the service gives: an answer older than the source's limit is stale."""
    code, as_of = case.expected.code, _moved(case.expected.as_of, today)
    if code.outcome_class is OutcomeClass.ANSWERED and as_of is not None and as_of < source.oldest_as_of(today, Calendar()):
        return OutcomeCode.STALE
    return code


def _moved(day: date | None, today: date) -> date | None:
    return None if day is None else day + (today - local_day(CONTRACT_CLOCK))


def _difference(case: Case, asked: Asked, today: date) -> str | None:
    """Name what differs: the day, the number of records, or the first field by its place; never a value."""
    as_of = _moved(case.expected.as_of, today)
    if as_of is not None and asked.answer.outcome.as_of != as_of:
        return "another as-of day"
    records, expected = asked.answer.records, case.expected
    wanted = len(expected.records) if expected.count is None else expected.count
    if len(records) != wanted:
        return f"{len(records)} records, not {wanted}"
    for place, (record, declared) in enumerate(zip(records, expected.records, strict=False)):
        whole = _RECORD.validate_json(orjson.dumps(declared)).model_dump(mode="json")
        field = _differs(record.model_dump(mode="json"), whole, f"record {place}")
        if field:
            return f"another value at {field}"
    return None


def _differs(one: Any, other: Any, place: str) -> str | None:
    """Return the place of the first difference. Two days are never compared: they move with the calendar."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return place
        return next((found for key in one if (found := _differs(one[key], other[key], f"{place}.{key}"))), None)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return next((found for i, pair in enumerate(zip(one, other, strict=True)) if (found := _differs(*pair, f"{place}[{i}]"))), None)
    if isinstance(one, str) and isinstance(other, str) and _DAY.search(one) and _DAY.search(other):
        return None
    return None if one == other else place
