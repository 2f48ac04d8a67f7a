"""Between records and rows: serialise, compress, seal, and back.

ISA-L writes the same format as zlib, which reads it, in a third to a tenth of the time: zlib clears its tables for every message.
"""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from isal import isal_zlib
from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from verify_service.domain.outcome import Answer, Question
from verify_service.sources.adapter import Exchange, SharedCall, Ticket
from verify_service.storage import packing
from verify_service.storage.encryption import FieldCipher, Place
from verify_service.storage.records import Issue, StoredExchange, StoredShare, StoredTicket, TicketState

_COMPRESSION = 1  # register answers are repetitive text: more effort saves little
_ANSWERS: TypeAdapter[tuple[Answer, ...]] = TypeAdapter(tuple[Answer, ...])
_Call = tuple[tuple[Question, ...], tuple[Exchange, ...], tuple[int, ...]]
_CALL: TypeAdapter[_Call] = TypeAdapter(_Call)  # the exchanges without their bodies, whose sizes follow
_sealed: WeakKeyDictionary[SharedCall, tuple[FieldCipher, dict[str, Any]]] = WeakKeyDictionary()  # each of its verifications writes it


def report(cipher: FieldCipher, issue: Issue) -> dict[str, Any]:
    """Return the row of a report version."""
    r = issue.report
    return {
        "id": r.id,
        "tenant": issue.tenant,
        "verification_id": r.verification_id,
        "version": r.version,
        "state": r.state,
        "sealed_jws": cipher.seal(_jws_place(r.verification_id, r.id), packing.pack(issue.jws, issue.payload)),
        "digest": r.digest,
        "kid": r.kid,
        "issued_at": r.issued_at,
        "replaces": r.replaces,
    }


def read_jws(cipher: FieldCipher, verification_id: str, report_id: str, sealed: bytes) -> bytes:
    """Return a report's signed bytes."""
    return packing.unpack(cipher.open(_jws_place(verification_id, report_id), sealed))


def _jws_place(verification_id: str, report_id: str) -> Place:
    return Place("reports", "sealed_jws", verification_id, report_id)


def answers(cipher: FieldCipher, issue: Issue) -> dict[str, Any]:
    """Return the row of a version's answers: questions, outcomes and records are sealed; the outcomes' codes are not."""
    packed = isal_zlib.compress(_ANSWERS.dump_json(tuple(issue.answers)), _COMPRESSION)
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


def cell_of(answer: Answer) -> tuple[str, str]:
    """Return member and source: a cell that is asked again has a new question, and its newest answer is the one that stands."""
    return answer.question.member, answer.question.source


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
        "sealed_message": cipher.seal(_message_place(key), pack(message)),
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


def pack(message: Exchange) -> bytes:
    """Headers as one line of JSON, then the body; headers are sealed too, since a register may echo anything in them."""
    return isal_zlib.compress(orjson.dumps(dict(message.headers)) + b"\n" + message.body, _COMPRESSION)


def _unpack(packed: bytes) -> tuple[dict[str, str], bytes]:
    headers, _, body = zlib.decompress(packed).partition(b"\n")
    return orjson.loads(headers), body


def share(issue: Issue, kept: StoredShare) -> dict[str, Any]:
    """Return the row of a part in a shared call."""
    return {
        "verification_id": issue.verification_id,
        "version": issue.report.version,
        "call_no": kept.call_no,
        "tenant": issue.tenant,
        "shared_call_id": kept.call.id,
        "places": kept.places,
    }


def shared_call(cipher: FieldCipher, issue: Issue, call: SharedCall) -> dict[str, Any]:
    """Return the row of a shared call, the same whichever of its verifications is issued first."""
    sealed_by, row = _sealed.get(call, (None, {}))
    if sealed_by is not cipher:
        sealed_call = cipher.seal(_call_place(call.id), _pack_call(call))
        row = {"id": call.id, "tenant": issue.tenant, "source": call.source, "sealed_call": sealed_call, "created_at": issue.now}
        _sealed[call] = cipher, row
    return row


def read_share(cipher: FieldCipher, row: RowMapping) -> StoredShare:
    """Return a part in a shared call, of a row of both tables."""
    packed = cipher.open(_call_place(row["shared_call_id"]), row["sealed_call"])
    return StoredShare(row["call_no"], row["places"], _unpack_call(row["source"], packed), row["version"])


def _call_place(call_id: str) -> Place:
    return Place("shared_calls", "sealed_call", call_id)


def _pack_call(call: SharedCall) -> bytes:
    bodies = [exchange.body for exchange in call.exchanges]
    bare = tuple(replace(exchange, body=b"") for exchange in call.exchanges)
    head = _CALL.dump_json((tuple(call.questions), bare, tuple(map(len, bodies))))
    return isal_zlib.compress(b"\n".join((head, b"".join(bodies))), _COMPRESSION)


def _unpack_call(source: str, packed: bytes) -> SharedCall:
    head, _, bodies = zlib.decompress(packed).partition(b"\n")
    questions, bare, sizes = _CALL.validate_json(head)
    ends = list(accumulate(sizes))
    whole = [replace(exchange, body=bodies[end - size : end]) for exchange, size, end in zip(bare, sizes, ends, strict=True)]
    return SharedCall(source, questions, whole)


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
        "file_digest": kept.file_digest,
        "submissions": kept.submissions,
    }


def read_ticket(row: RowMapping) -> StoredTicket:
    """Return the ticket of a row."""
    receipt = Ticket(row["reference"], row["dedupe_key"], row["next_look"], row["latest"])
    counted = row["file_digest"], row["submissions"]
    return StoredTicket(row["source"], tuple(row["question_ids"]), receipt, TicketState(row["state"]), *counted)


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
        "reason": issue.reason,
        "created_at": issue.now,
    }
