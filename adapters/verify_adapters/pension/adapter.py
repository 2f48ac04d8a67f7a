"""One search for many people: each answer is bound to its question by reference, number and name."""

from collections.abc import Sequence
from datetime import date, timedelta, timezone
from importlib.resources import files

from pydantic import ValidationError

from verify_adapters.pension.rows import RowContradiction, records_of
from verify_adapters.pension.search import ids_of, new_token, remembered_token, search
from verify_adapters.pension.wire import ENVELOPE, Data, Envelope, Found
from verify_service.domain.outcome import Answer, OutcomeCode, Question
from verify_service.sources.adapter import Exchange, SourceClient
from verify_service.sources.definition import load_source
from verify_service.sources.failures import SourceFailure, invalid
from verify_service.sources.reading import answered, not_answered, note_leftovers, read_as, read_json, same_identity, schema_failure

_CHINA = timezone(timedelta(hours=8))
_REASONS = {
    "rjct.person.not_found": OutcomeCode.PERSON_NOT_FOUND,
    "rjct.person.name_mismatch": OutcomeCode.NAME_MISMATCH,
    "rjct.person.ambiguous": OutcomeCode.AMBIGUOUS,
    "rjct.consent.missing": OutcomeCode.NO_CONSENT,
    "rjct.requester.not_authorised": OutcomeCode.NOT_AUTHORISED,
    "rjct.region.out_of_scope": OutcomeCode.OUT_OF_SCOPE,
    "rjct.region.not_connected": OutcomeCode.NOT_CONNECTED,
    "rjct.service.maintenance": OutcomeCode.MAINTENANCE,
    "rjct.service.settlement": OutcomeCode.MAINTENANCE,
    "rjct.search.too_many_records_found": OutcomeCode.LIMIT,
    "rjct.total_count.limit_exceeded": OutcomeCode.LIMIT,
}


class PensionAdapter:
    """Credentials: client_id, client_secret, receiver_id."""

    source = load_source(files(__package__) / "source.toml")

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        """Search with the remembered token; when the register no longer accepts that one, renew it once and search again."""
        kept = remembered_token(client)
        if kept is None:
            return self.read(questions, [await client.fetch(search(questions, client, await new_token(client)))])
        try:
            exchange = await client.fetch(search(questions, client, kept))
        except SourceFailure as failure:
            if failure.code is not OutcomeCode.NOT_AUTHORISED:
                raise
            exchange = await client.fetch(search(questions, client, await new_token(client)))
        return self.read(questions, [exchange])

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        """Read the one exchange of a search. Raises what the header says of the whole call."""
        if len(exchanges) != 1:
            raise invalid(OutcomeCode.CONTRADICTION, "not one exchange")
        (exchange,) = exchanges
        envelope = read_as(ENVELOPE, read_json(exchange.body))
        _check_envelope(questions, envelope)
        found = {f.reference_id: f for f in envelope.message.search_response}
        _note(envelope)
        today = exchange.answered_at.astimezone(_CHINA).date()
        return [_answer(q, found.get(q.id), today=today, exchanges=exchanges) for q in questions]


def _check_envelope(questions: Sequence[Question], envelope: Envelope) -> None:
    """Hold the envelope against the request. Raises invalid.binding, invalid.contradiction, or what a rejection stands for."""
    header, message = envelope.header, envelope.message
    if (message.transaction_id, header.message_id) != ids_of(questions):
        raise invalid(OutcomeCode.BINDING, "answer to another message")
    if header.status != "succ":
        code, detail = _rejection(header.status, header.status_reason_code)
        raise SourceFailure(code, failed_by="source", detail=detail)
    references = [f.reference_id for f in message.search_response]
    if set(references) - {q.id for q in questions}:
        raise invalid(OutcomeCode.BINDING, "a person who was not asked about")
    if len(set(references)) != len(references) or not header.total_count == header.completed_count == len(references):
        raise invalid(OutcomeCode.CONTRADICTION, "number of people")


def _rejection(status: str, reason: str | None) -> tuple[OutcomeCode, str]:
    """Return what a status other than succ stands for. Not finished (pdng, rcvd) is nothing that a synchronous search promises."""
    if status != "rjct":
        return OutcomeCode.MAINTENANCE, f"status {status}"
    if reason not in _REASONS:
        return OutcomeCode.SCHEMA, "unknown reason"
    return _REASONS[reason], reason


def _answer(q: Question, found: Found | None, *, today: date, exchanges: Sequence[Exchange]) -> Answer:
    if found is None:
        return not_answered(q, OutcomeCode.CONTRADICTION, detail="person missing", exchanges=exchanges)
    if found.status != "succ":
        code, detail = _rejection(found.status, found.status_reason_code)
        return not_answered(q, code, detail=detail, exchanges=exchanges)
    if found.data is None:
        return not_answered(q, OutcomeCode.SCHEMA, detail="missing at data", exchanges=exchanges)
    damage = _damage(q, found.data, today)
    if damage is not None:
        return not_answered(q, damage[0], detail=damage[1], exchanges=exchanges)
    try:
        name = found.data.person.name
        return answered(q, records_of(found.data.reg_records), as_of=found.data.as_of, exchanges=exchanges, names=[name])
    except RowContradiction as broken:
        return not_answered(q, OutcomeCode.CONTRADICTION, detail=str(broken), exchanges=exchanges)
    except ValidationError as error:
        raise schema_failure(error) from None


def _damage(q: Question, data: Data, today: date) -> tuple[OutcomeCode, str] | None:
    """Return why one person's data cannot be used. A right number under another name is a mismatch, not a mix-up (M2)."""
    number = data.person.identifier[0].identifier_value
    if not same_identity(q, id_number=number, name=data.person.name):
        is_number_of_hers = same_identity(q, id_number=number, name=None)
        return (OutcomeCode.NAME_MISMATCH, "registered name") if is_number_of_hers else (OutcomeCode.BINDING, "echoed number")
    if any(row.ssn != number and not same_identity(q, id_number=row.ssn, name=None) for row in data.reg_records):
        return OutcomeCode.BINDING, "number of a row"
    if data.record_count != len(data.reg_records) or data.has_records is not bool(data.reg_records):
        return OutcomeCode.CONTRADICTION, "number of records"
    return (OutcomeCode.CONTRADICTION, "data from the future") if data.as_of > today else None


def _note(envelope: Envelope) -> None:
    found = envelope.message.search_response
    rows = (row for f in found if f.data is not None for row in f.data.reg_records)
    note_leftovers("pension", (envelope, envelope.header, envelope.message, *found, *rows))
