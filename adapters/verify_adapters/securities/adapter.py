"""The central depository: hand a file in, look at the ticket, fetch the answer file, read it strictly.

One person's damaged lines are her own invalid answer; a file whose size, digest, counts or ticket do not hold is nobody's.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from verify_adapters.securities.answer_file import DETAILS, MARKETS, PERSON, AnswerFile, Cells, PersonLine, open_file
from verify_adapters.securities.request_file import CHARSET, request_file, signed_headers
from verify_service.domain.outcome import Answer, OutcomeCode, Question
from verify_service.domain.records import SecuritiesTotal
from verify_service.sources.adapter import Exchange, NotYet, SourceClient, Ticket, WireRequest
from verify_service.sources.definition import Deferred, Source, load_source
from verify_service.sources.failures import SourceFailure, invalid
from verify_service.sources.reading import (
    WireModel,
    answered,
    not_answered,
    note_leftovers,
    read_as,
    read_json,
    same_identity,
    under_name,
)

SOURCE = load_source(files(__package__) / "source.toml")
WAIT = Deferred.model_validate(SOURCE.deferred)
PATH = "/batch/v1"

Reference = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{8,64}$")]
Seconds = Annotated[int | Decimal, Field(ge=0, le=604_800)]

FAILED = {"maintenance": OutcomeCode.MAINTENANCE, "not_authorised": OutcomeCode.NOT_AUTHORISED, "internal": OutcomeCode.HTTP_5XX}
NOT_ANSWERED = {
    "查无此人": OutcomeCode.PERSON_NOT_FOUND,
    "姓名不符": OutcomeCode.NAME_MISMATCH,
    "一证多人": OutcomeCode.AMBIGUOUS,
    "不予查询": OutcomeCode.NOT_AUTHORISED,
    "未接入": OutcomeCode.NOT_CONNECTED,
    "系统维护": OutcomeCode.MAINTENANCE,
}


class Receipt(WireModel):
    """The answer to a file that was handed in."""

    ticket: Reference
    accepted_rows: int
    first_look_seconds: Seconds


class Progress(WireModel):
    """A ticket that is not finished; `reason` is there when it failed."""

    ticket: Reference
    state: Literal["queued", "running", "failed"]
    next_look_seconds: Seconds | None = None
    reason: Literal["maintenance", "not_authorised", "internal"] | None = None


class Done(WireModel):
    """A finished ticket: where the answer file lies, and what it must be."""

    ticket: Reference
    state: Literal["done"]
    file: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,80}\.csv$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=1)]


RECEIPT = TypeAdapter(Receipt)
STATUS: TypeAdapter[Progress | Done] = TypeAdapter(Annotated[Progress | Done, Field(discriminator="state")])


def _span(seconds: float | Decimal) -> timedelta:
    return timedelta(milliseconds=int(seconds * 1000))


class SecuritiesAdapter:
    """Adapter of the central depository (mode deferred)."""

    source: Source = SOURCE

    async def submit(self, questions: Sequence[Question], client: SourceClient, *, dedupe_key: str) -> Ticket:
        """Hand the questions in as one file. The register gives the same ticket for the same dedupe key."""
        path, body = f"{PATH}/files", request_file(questions)

        def build() -> WireRequest:
            headers = signed_headers(client, "POST", path, body=body, dedupe_key=dedupe_key)
            headers |= {"X-Dedupe-Key": dedupe_key, "Content-Type": "text/csv; charset=GB18030"}
            return WireRequest("submit", "POST", path, expect="application/json", headers=headers, body=body)

        receipt = read_as(RECEIPT, read_json((await client.fetch(build)).body))
        note_leftovers(self.source.id, [receipt])
        if receipt.accepted_rows != len(questions):
            raise invalid(OutcomeCode.CONTRADICTION, "accepted rows")
        now = client.now()
        latest = now + timedelta(seconds=WAIT.latest_after_seconds)
        return Ticket(receipt.ticket, dedupe_key, min(latest, now + _span(receipt.first_look_seconds)), latest)

    async def collect(self, ticket: Ticket, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer] | NotYet:
        """Look at the ticket once; fetch and read the file when it is done. Raises SourceFailure when the batch failed."""
        status = await client.fetch(lambda: _get(client, "ticket", f"{PATH}/tickets/{ticket.reference}", expect="application/json"))
        found = self._status(status)
        if found.ticket != ticket.reference:
            raise invalid(OutcomeCode.BINDING, "another ticket")
        if isinstance(found, Progress):
            seconds = WAIT.look_every_seconds if found.next_look_seconds is None else found.next_look_seconds
            return NotYet(client.now() + _span(seconds))
        answer = await client.fetch(lambda: _get(client, "file", f"{PATH}/files/{found.file}", expect="text/csv", charset=CHARSET))
        return self.read(questions, [status, answer])

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        """Read the last ticket and file exchange. Earlier looks may be among the exchanges; other people may be in the file."""
        last = {exchange.step: exchange for exchange in exchanges}
        if not {"ticket", "file"} <= last.keys():
            raise invalid(OutcomeCode.SCHEMA, "no finished ticket")
        done = self._status(last["ticket"])
        if isinstance(done, Progress):
            raise invalid(OutcomeCode.SCHEMA, "no finished ticket")
        used = [last["ticket"], last["file"]]
        content = _announced(done, last["file"].body)
        return [_answer(question, content, used) for question in questions]

    def _status(self, exchange: Exchange) -> Progress | Done:
        found = read_as(STATUS, read_json(exchange.body))
        note_leftovers(self.source.id, [found])
        if isinstance(found, Progress) and found.state == "failed":
            if found.reason is None:
                raise invalid(OutcomeCode.SCHEMA, "failed without a reason")
            raise SourceFailure(FAILED[found.reason], failed_by="source", detail="batch failed")
        return found


def _announced(done: Done, body: bytes) -> AnswerFile:
    """Open the file if it is the one that the ticket names. Raises truncated, contradiction or binding."""
    if len(body) < done.size:
        raise invalid(OutcomeCode.TRUNCATED, "file shorter than announced")
    if len(body) > done.size or hashlib.sha256(body).hexdigest() != done.sha256:
        raise invalid(OutcomeCode.CONTRADICTION, "announced size or digest")
    content = open_file(body)
    if content.ticket != done.ticket:
        raise invalid(OutcomeCode.BINDING, "file of another ticket")
    return content


def _answer(question: Question, content: AnswerFile, used: Sequence[Exchange]) -> Answer:
    """Read one person's lines; what is wrong in them is her outcome alone."""
    try:
        if question.id not in content.persons:
            raise invalid(OutcomeCode.CONTRADICTION, "person missing")
        person = read_as(PERSON, content.persons[question.id])
        if not same_identity(question, id_number=person.id_number, name=person.name):
            raise invalid(OutcomeCode.BINDING, "echoed identity")
        records = _records(person, content.details[question.id])
        if person.result in NOT_ANSWERED:
            return not_answered(question, NOT_ANSWERED[person.result], detail="result of the P line", exchanges=used)
        return _known(question, person, records, used)
    except SourceFailure as failure:
        return not_answered(question, failure.code, detail=failure.detail, exchanges=used)


def _records(person: PersonLine, cells: Sequence[Cells]) -> list[SecuritiesTotal]:
    """Return the records of one person. Raises schema or contradiction."""
    if person.details != len(cells) or (person.result == "有") is not bool(cells):
        raise invalid(OutcomeCode.CONTRADICTION, "result and number of D lines")
    lines = read_as(DETAILS, cells)
    markets = person.answered_markets()
    for line in lines:
        if line.market not in markets or line.query_date != person.query_date or line.price_date > line.query_date:
            raise invalid(OutcomeCode.CONTRADICTION, "market or dates of a D line")
        if line.result_flag == "0" and line.holds():
            raise invalid(OutcomeCode.CONTRADICTION, "value beside result flag 0")
    return [line.record() for line in lines]


def _known(question: Question, person: PersonLine, records: Sequence[SecuritiesTotal], used: Sequence[Exchange]) -> Answer:
    """Return the fact, or a lower bound when not every market answered."""
    heard = len(person.answered_markets())
    if heard == len(MARKETS):
        return answered(question, records, as_of=person.query_date, exchanges=used, names=[person.name])
    if heard == 0:
        raise invalid(OutcomeCode.CONTRADICTION, "a result without any market")
    partial = not_answered(
        question, OutcomeCode.PARTIAL, detail=under_name(question, [person.name]) or "markets", exchanges=used, as_of=person.query_date
    )
    return replace(partial, outcome=replace(partial.outcome, institutions=(heard, len(MARKETS))), records=tuple(records))


def _get(client: SourceClient, step: str, path: str, *, expect: str, charset: str = "utf-8") -> WireRequest:
    return WireRequest(step, "GET", path, expect=expect, headers=signed_headers(client, "GET", path), charset=charset)
