"""Ask the market entity register which roles people have in which entities, and read its answer strictly."""

from collections.abc import Sequence
from datetime import timedelta, timezone
from importlib.resources import files

from verify_adapters.business_registration.message import (
    PATH,
    message_headers,
    new_message_id,
    query_body,
    require_answer,
    require_echo,
)
from verify_adapters.business_registration.rows import roles
from verify_adapters.business_registration.wire import REPLY, Person, Reply
from verify_service.domain.outcome import Answer, OutcomeCode, Question
from verify_service.sources.adapter import Exchange, SourceClient, WireRequest
from verify_service.sources.definition import load_source
from verify_service.sources.failures import SourceFailure, invalid
from verify_service.sources.reading import answered, not_answered, note_leftovers, read_as, read_json, same_identity

_CHINA = timezone(timedelta(hours=8))
# X-Road says what went wrong in a header beside status 400 or 500; that must reach the reader.
_STATUSES = frozenset({200, 400, 500})
_NO_FACTS: dict[str, OutcomeCode] = {
    "PERSON_NOT_FOUND": OutcomeCode.PERSON_NOT_FOUND,
    "NAME_MISMATCH": OutcomeCode.NAME_MISMATCH,
    "NOT_DISCLOSED": OutcomeCode.NOT_AUTHORISED,
    "REGION_NOT_CONNECTED": OutcomeCode.NOT_CONNECTED,
}


class BusinessRegistrationAdapter:
    """Credentials: client (the X-Road client identifier, instance/class/member/subsystem)."""

    source = load_source(files(__package__) / "source.toml")

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        """Ask in one call. The answer must name the message that it answers, and echo its hash."""
        body, client_id, ids = query_body(questions), client.credential("client"), [""]

        def build() -> WireRequest:
            ids[0] = new_message_id(client.nonce())
            headers = message_headers(questions, client_id=client_id, message_id=ids[0])
            return WireRequest("roles", "POST", PATH, "application/json", headers, body, accept_status=_STATUSES)

        exchange = await client.fetch(build)
        answers = self.read(questions, [exchange])
        if exchange.headers.get("x-road-id") != ids[0]:
            raise invalid(OutcomeCode.BINDING, "message id of another call")
        return answers

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        """Check error, echoed hash, envelope and counts, then each person for herself."""
        exchange = exchanges[0]
        require_answer(exchange)
        require_echo(exchange.headers, questions)
        reply = read_as(REPLY, read_json(exchange.body))
        note_leftovers(self.source.id, (reply, *reply.persons))
        persons = self._by_place(reply, len(questions))
        return [self._answer(q, persons.get(seq), exchange) for seq, q in enumerate(questions, 1)]

    def _by_place(self, reply: Reply, asked: int) -> dict[int, Person]:
        """Return persons by their place in the request; a place twice, or one that was not asked, spoils the whole call."""
        persons = {person.seq: person for person in reply.persons}
        if reply.total != len(reply.persons) or len(persons) != len(reply.persons):
            raise invalid(OutcomeCode.CONTRADICTION, "total and persons")
        if not persons.keys() <= set(range(1, asked + 1)):
            raise invalid(OutcomeCode.CONTRADICTION, "a person who was not asked for")
        if sum(person.roleCount for person in reply.persons) > self.source.limits.records:
            raise invalid(OutcomeCode.LIMIT, "records")
        return persons

    def _answer(self, question: Question, person: Person | None, exchange: Exchange) -> Answer:
        if person is None:
            return not_answered(question, OutcomeCode.CONTRADICTION, detail="person missing", exchanges=[exchange])
        try:
            _require_whole(question, person, exchange)
            if person.result in _NO_FACTS:
                return not_answered(question, _NO_FACTS[person.result], detail=person.result.lower(), exchanges=[exchange])
            found = roles(person.roles, as_of=person.dataDate)
        except SourceFailure as damage:
            return not_answered(question, damage.code, detail=damage.detail, exchanges=[exchange])
        if found and person.matchedBy == "NAME":
            return not_answered(question, OutcomeCode.AMBIGUOUS, detail="matched by name alone", exchanges=[exchange])
        return answered(question, found, as_of=person.dataDate, exchanges=[exchange], names=[person.name])


def _require_whole(question: Question, person: Person, exchange: Exchange) -> None:
    """Raise invalid.binding for another person, invalid.contradiction when result, count and rows disagree."""
    if not same_identity(question, id_number=person.idNumber, name=person.name):
        raise invalid(OutcomeCode.BINDING, "echoed identity")
    if person.roleCount != len(person.roles) or (person.result == "FOUND") is not bool(person.roles):
        raise invalid(OutcomeCode.CONTRADICTION, "result, count and rows")
    if person.dataDate > exchange.answered_at.astimezone(_CHINA).date():
        raise invalid(OutcomeCode.CONTRADICTION, "data of a later day")
