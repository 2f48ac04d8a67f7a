"""What every adapter's reader needs: strict bodies, left-over fields by name, one answer per question.

Rules of strict reading: a mandatory field is taken unguarded; a code table is enumerated and an unknown code is
invalid.schema; a declared count that does not hold is invalid.contradiction; a field that nobody knows is logged by name.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from verify_service.domain.identity import IdentityError, IdNumber, normalise_name
from verify_service.domain.outcome import UNDER_FORMER_NAME, Answer, FailedBy, Outcome, OutcomeCode, Question
from verify_service.domain.records import Record
from verify_service.sources import strict_json, strict_xml
from verify_service.sources.adapter import Exchange
from verify_service.sources.failures import SourceFailure, invalid

T = TypeVar("T")
_log = structlog.get_logger("verify_service.sources")
_unknown: dict[str, set[str]] = {}
_MOST_UNKNOWN = 100  # names a source
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_NAMELESS = "[other]"


class WireModel(BaseModel):
    """A register's message as it is on the wire: strict types, unknown fields kept so that they can be named."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


def note_leftovers(source: str, models: Iterable[BaseModel]) -> None:
    """Log the names of fields that no contract version knows, once per process and name; never their values."""
    for model in models:
        for name in model.model_extra or ():
            _note_unknown(source, _field_name(name))


def _note_unknown(source: str, name: str) -> None:
    noted = _unknown.setdefault(source, set())
    if name not in noted and len(noted) < _MOST_UNKNOWN:
        noted.add(name)
        _log.warning("source.unknown_field", source=source, field=name)


def unknown_fields(source: str) -> frozenset[str]:
    """Return the names of left-over fields that this process has met at a source."""
    return frozenset(_unknown.get(source, ()))


def missing_field(detail: str) -> str | None:
    """Return the name of the mandatory field that an invalid.schema misses by its `detail`, if that is what was wrong."""
    rule, _, place = detail.partition(" at ")
    names = [part for part in place.split(".") if not part.isdigit()]
    return _field_name(names[-1]) if rule == "missing" and names else None


def _field_name(name: str) -> str:
    """Return a name that can only be a field's: a damaged register may send a person where a key should stand."""
    return name if _FIELD_NAME.fullmatch(name) else _NAMELESS


def read_json(body: bytes) -> Any:
    """Parse a JSON body strictly. Raises invalid.schema or invalid.limit."""
    try:
        return strict_json.loads(body)
    except strict_json.StrictJsonError as error:
        code = OutcomeCode.LIMIT if error.rule in {"depth", "number_size"} else OutcomeCode.SCHEMA
        raise invalid(code, f"json.{error.rule}") from None


def read_xml(body: bytes) -> Any:
    """Parse an XML body strictly and return its root element. Raises invalid.schema."""
    try:
        return strict_xml.parse(body)
    except strict_xml.StrictXmlError as error:
        raise invalid(OutcomeCode.SCHEMA, f"xml.{error.rule}") from None


def read_as(adapter: TypeAdapter[T], value: object) -> T:
    """Validate a parsed value as a wire model. Raises invalid.schema naming the first place and rule, never the value."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise schema_failure(error) from None


def schema_failure(error: ValidationError) -> SourceFailure:
    """Return invalid.schema with the first place and rule of a validation error; indexes and field names only."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(p) for p in first["loc"])[:120]
    return invalid(OutcomeCode.SCHEMA, f"{first['type']} at {place}")


def same_identity(question: Question, *, id_number: str, name: str | None) -> bool:
    """Say whether an echoed identity is the one that was asked (M1): the number, in 15 or 18 digits, and the name if echoed.

    A declared former name (曾用名) is hers, too.
    """
    subject = question.subject
    if id_number != subject.id_number.reveal():  # the usual echo is letter for letter; parsing it again would cost the most
        try:
            if IdNumber.parse(id_number) != subject.id_number:
                return False
        except IdentityError:
            return False
    return name is None or _same_name(name, subject.name) or any(_same_name(name, former) for former in subject.former_names)


def _same_name(one: str, other: str) -> bool:
    return one == other or normalise_name(one) == normalise_name(other)


def answered(
    question: Question, records: Sequence[Record], *, as_of: date, exchanges: Sequence[Exchange], names: Iterable[str | None] = ()
) -> Answer:
    """Return records(n), or no_record when the register said explicitly that there are none.

    `names` are those under which the register knows her, where it echoes any; a former one is told in the outcome's detail.
    """
    code = OutcomeCode.RECORDS if records else OutcomeCode.NO_RECORD
    return Answer(question, _outcome(code, exchanges, as_of=as_of, detail=under_name(question, names)), tuple(records))


def under_name(question: Question, names: Iterable[str | None]) -> str:
    """Return the detail of an outcome that a register told under these names of the person: empty for her present one."""
    present = all(name is None or _same_name(name, question.subject.name) for name in names)
    return "" if present else UNDER_FORMER_NAME


def not_answered(question: Question, code: OutcomeCode, *, detail: str, exchanges: Sequence[Exchange], as_of: date | None = None) -> Answer:
    """Return an identity, refused, unavailable or invalid outcome that the register gave for this person alone."""
    return Answer(question, _outcome(code, exchanges, as_of=as_of, detail=detail))


def _outcome(code: OutcomeCode, exchanges: Sequence[Exchange], *, as_of: date | None, detail: str = "") -> Outcome:
    failed_by: FailedBy | None = None if code.is_fact else "source"
    if len(exchanges) == 1:  # nearly always: a register with few rows has one page
        (e,) = exchanges
        return Outcome(code, failed_by, detail, e.attempts, e.asked_at, e.answered_at, as_of, (e.answer_digest,))
    return Outcome(
        code=code,
        failed_by=failed_by,
        detail=detail,
        attempts=max((e.attempts for e in exchanges), default=0),
        asked_at=min((e.asked_at for e in exchanges), default=None),
        answered_at=max((e.answered_at for e in exchanges), default=None),
        as_of=as_of,
        answer_digests=tuple(e.answer_digest for e in exchanges),
    )
