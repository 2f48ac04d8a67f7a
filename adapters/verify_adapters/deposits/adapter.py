"""The banks' hub: hand an order in, look for the returns, read what has come until now, strictly.

One person's damaged lines are her own invalid answer; a document whose digest, counts or order do not hold is nobody's.
While the order is open, what is known is a lower bound and the rest is waited for.
"""

import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from typing import Annotated

from pydantic import Field, TypeAdapter

from verify_adapters.deposits.accounts import records
from verify_adapters.deposits.order import mac, order_xml, signed_headers
from verify_adapters.deposits.returns import Person, Refusal, Returns, attributes, open_returns
from verify_service.domain.outcome import Answer, OutcomeCode, Question
from verify_service.sources.adapter import Exchange, NotYet, SoFar, SourceClient, Ticket, WireRequest
from verify_service.sources.definition import Deferred, Source, load_source
from verify_service.sources.exact import Count
from verify_service.sources.failures import SourceFailure, invalid
from verify_service.sources.reading import WireModel, answered, not_answered, note_leftovers, read_as, read_xml, same_identity, under_name

SOURCE = load_source(files(__package__) / "source.toml")
WAIT = Deferred.model_validate(SOURCE.deferred)
PATH = "/hub/v1/orders"
XML = "application/xml"
REFUSED = {
    "查无此人": OutcomeCode.PERSON_NOT_FOUND,
    "姓名不符": OutcomeCode.NAME_MISMATCH,
    "一证多人": OutcomeCode.AMBIGUOUS,
    "不予查询": OutcomeCode.NOT_AUTHORISED,
    "未接入": OutcomeCode.NOT_CONNECTED,
}


class Receipt(WireModel):
    """The answer to an order."""

    order: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{8,64}$")]
    persons: Count
    next: Count


RECEIPT = TypeAdapter(Receipt)


class DepositsAdapter:
    """Adapter of the banks' hub (mode deferred)."""

    source: Source = SOURCE

    async def submit(self, questions: Sequence[Question], client: SourceClient, *, dedupe_key: str) -> Ticket:
        """Hand an order in. The hub gives the same order number for the same dedupe key."""
        body = order_xml(questions, dedupe_key)

        def build() -> WireRequest:
            headers = {**signed_headers(client, "POST", PATH, body), "Content-Type": f"{XML}; charset=utf-8"}
            return WireRequest("submit", "POST", PATH, expect=XML, headers=headers, body=body)

        root = read_xml((await client.fetch(build)).body)
        receipt = read_as(RECEIPT, dict(root.attrib))
        note_leftovers(self.source.id, [receipt])
        if root.tag != "Receipt" or receipt.persons != len(questions):
            raise invalid(OutcomeCode.CONTRADICTION, "accepted persons")
        now = client.now()
        latest = now + timedelta(seconds=WAIT.latest_after_seconds)
        return Ticket(receipt.order, dedupe_key, min(latest, now + timedelta(seconds=receipt.next)), latest)

    async def collect(self, ticket: Ticket, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer] | SoFar | NotYet:
        """Look once. Raises SourceFailure when the document is not the hub's, or not about this order."""
        path = f"{PATH}/{ticket.reference}"
        found = await client.fetch(lambda: WireRequest("returns", "GET", path, expect=XML, headers=signed_headers(client, "GET", path)))
        sealed = mac(client, f"{ticket.reference}\n{found.answer_digest}")
        if not hmac.compare_digest(found.headers.get("x-hub-signature", "").encode(), sealed.encode()):
            raise invalid(OutcomeCode.SIGNATURE, "signature of the returns")
        returns = open_returns(found)
        if returns.head.order != ticket.reference:
            raise invalid(OutcomeCode.BINDING, "another order")
        answers = [_answer(q, returns, [found]) for q in questions]
        if returns.head.state == "closed" or returns.head.answered == returns.head.institutions:
            return answers
        next_look = client.now() + timedelta(seconds=returns.head.next or 0)
        return SoFar(answers, next_look) if returns.head.answered else NotYet(next_look)

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        """Read the last returns. Other people may be in them."""
        last = [exchange for exchange in exchanges if exchange.step == "returns"][-1:]
        if not last:
            raise invalid(OutcomeCode.SCHEMA, "no returns")
        returns = open_returns(last[0])
        return [_answer(question, returns, last) for question in questions]


def _answer(question: Question, returns: Returns, used: Sequence[Exchange]) -> Answer:
    """Read one person's lines at every bank; what is wrong in them is her outcome alone."""
    try:
        refusal = returns.refused.get(question.id)
        return _refused(question, refusal, used) if refusal else _known(question, returns, used)
    except SourceFailure as failure:
        return not_answered(question, failure.code, detail=failure.detail, exchanges=used)


def _refused(question: Question, refusal: Refusal, used: Sequence[Exchange]) -> Answer:
    if not same_identity(question, id_number=refusal.id, name=None):
        raise invalid(OutcomeCode.BINDING, "echoed identity")
    return not_answered(question, REFUSED[refusal.reason], detail="refused by the hub", exchanges=used)


def _known(question: Question, returns: Returns, used: Sequence[Exchange]) -> Answer:
    """Return the fact when every bank has answered, else what is known as a lower bound. Raises binding, schema, contradiction."""
    head, lines = returns.head, returns.lines.get(question.id, ())
    if len(lines) != head.answered:
        raise invalid(OutcomeCode.CONTRADICTION, "person missing at a bank")
    if not lines:
        raise SourceFailure(OutcomeCode.TIMEOUT, failed_by="source", detail="no bank answered")
    people = [attributes(line.element, Person) for line in lines]
    if not all(same_identity(question, id_number=p.id, name=p.name) for p in people):
        raise invalid(OutcomeCode.BINDING, "echoed identity")
    found = [record for line, person in zip(lines, people, strict=True) for record in records(line, person)]
    as_of, names = min(person.day for person in people), [person.name for person in people]
    if head.answered == head.institutions:
        return answered(question, found, as_of=as_of, exchanges=used, names=names)
    partial = not_answered(question, OutcomeCode.PARTIAL, detail=under_name(question, names) or "banks", exchanges=used, as_of=as_of)
    return replace(partial, outcome=replace(partial.outcome, institutions=(head.answered, head.institutions)), records=tuple(found))
