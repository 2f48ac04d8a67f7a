"""Between records and rows: serialise, compress, seal, and back."""

import zlib
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from verify_service.domain.outcome import Answer
from verify_service.sources.adapter import Exchange, Ticket
from verify_service.storage.encryption import FieldCipher, Place
from verify_service.storage.records import Issue, StoredExchange, StoredTicket, TicketState

_ANSWERS: TypeAdapter[tuple[Answer, ...]] = TypeAdapter(tuple[Answer, ...])
_COMPRESSION = 1  # the fastest: register answers are repetitive text, more effort saves little


def report(cipher: FieldCipher, issue: Issue) -> dict[str, Any]:
    """Return the row of a report version."""
    r = issue.report
    return {
        "id": r.id,
        "tenant": issue.tenant,
        "verification_id": r.verification_id,
        "version": r.version,
        "state": r.state,
        "sealed_jws": cipher.seal(jws_place(r.verification_id, r.id), issue.jws),
        "digest": r.digest,
        "kid": r.kid,
        "issued_at": r.issued_at,
        "replaces": r.replaces,
    }


def jws_place(verification_id: str, report_id: str) -> Place:
    """Return where a report's signed bytes stand."""
    return Place("reports", "sealed_jws", verification_id, report_id)


def answers(cipher: FieldCipher, issue: Issue) -> dict[str, Any]:
    """Return the row of a version's answers: questions, outcomes and records are sealed; the outcomes' codes are not."""
    packed = zlib.compress(_ANSWERS.dump_json(tuple(issue.answers)), _COMPRESSION)
    return {
        "verification_id": issue.verification_id,
        "version": issue.report.version,
        "tenant": issue.tenant,
        "outcomes": {answer.question.id: answer.outcome.code for answer in issue.answers},
        "sealed_answers": cipher.seal(_answers_place(issue.verification_id, issue.report.version), packed),
    }


def read_answers(cipher: FieldCipher, row: RowMapping) -> tuple[Answer, ...]:
    """Return the answers of a row."""
    place = _answers_place(row["verification_id"], row["version"])
    return _ANSWERS.validate_json(zlib.decompress(cipher.open(place, row["sealed_answers"])))


def _answers_place(verification_id: str, version: int) -> Place:
    return Place("answers", "sealed_answers", verification_id, str(version))


def exchange(cipher: FieldCipher, issue: Issue, kept: StoredExchange) -> dict[str, Any]:
    """Return the row of an exchange; headers and body are compressed, then sealed."""
    message = kept.exchange
    key = {
        "verification_id": issue.verification_id,
        "version": issue.report.version,
        "source": kept.source,
        "call_no": kept.call_no,
        "ordinal": kept.ordinal,
    }
    return {
        **key,
        "tenant": issue.tenant,
        "question_ids": kept.question_ids,
        "step": message.step,
        "status": message.status,
        "sealed_message": cipher.seal(_message_place(key), _pack(message)),
        "request_digest": message.request_digest,
        "answer_digest": message.answer_digest,
        "asked_at": message.asked_at,
        "answered_at": message.answered_at,
        "attempts": message.attempts,
    }


def read_exchange(cipher: FieldCipher, row: RowMapping) -> StoredExchange:
    """Return the exchange of a row."""
    headers, body = _unpack(cipher.open(_message_place(dict(row)), row["sealed_message"]))
    plain = {name: row[name] for name in ("step", "status", "request_digest", "answer_digest", "asked_at", "answered_at", "attempts")}
    kept = Exchange(headers=headers, body=body, **plain)
    return StoredExchange(row["source"], row["call_no"], row["ordinal"], tuple(row["question_ids"]), kept, row["version"])


def _message_place(key: Mapping[str, Any]) -> Place:
    row = f"{key['version']}|{key['source']}|{key['call_no']}|{key['ordinal']}"
    return Place("exchanges", "sealed_message", key["verification_id"], row)


def _pack(message: Exchange) -> bytes:
    """Headers as one line of JSON, then the body; headers are sealed too, since a register may echo anything in them."""
    return zlib.compress(orjson.dumps(dict(message.headers)) + b"\n" + message.body, _COMPRESSION)


def _unpack(packed: bytes) -> tuple[dict[str, str], bytes]:
    headers, _, body = zlib.decompress(packed).partition(b"\n")
    return orjson.loads(headers), body


def ticket(issue: Issue, kept: StoredTicket) -> dict[str, Any]:
    """Return the row of a ticket."""
    return {
        "verification_id": issue.verification_id,
        "dedupe_key": kept.ticket.dedupe_key,
        "tenant": issue.tenant,
        "source": kept.source,
        "question_ids": kept.question_ids,
        "reference": kept.ticket.reference,
        "state": kept.state.value,
        "next_look": kept.ticket.next_look,
        "latest": kept.ticket.latest,
    }


def read_ticket(row: RowMapping) -> StoredTicket:
    """Return the ticket of a row."""
    receipt = Ticket(row["reference"], row["dedupe_key"], row["next_look"], row["latest"])
    return StoredTicket(row["source"], tuple(row["question_ids"]), receipt, TicketState(row["state"]))


def closed(issue: Issue) -> list[dict[str, str]]:
    """Return the changes of tickets that are waiting no longer."""
    return [{"of_verification": issue.verification_id, "of_key": key, "state": state.value} for key, state in issue.closed.items()]


def next_looks(issue: Issue) -> list[dict[str, Any]]:
    """Return the changes of tickets that are looked at again although they have answered in part."""
    return [{"of_verification": issue.verification_id, "of_key": key, "next_look": at} for key, at in issue.next_looks.items()]


def event(issue: Issue) -> dict[str, Any]:
    """Return the outbox row."""
    return {
        "tenant": issue.tenant,
        "kind": "report.issued",
        "verification_id": issue.verification_id,
        "report_id": issue.report.id,
        "created_at": issue.now,
    }
