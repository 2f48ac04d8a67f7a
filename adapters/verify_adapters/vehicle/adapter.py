"""Ask the traffic administration which vehicles people own (POST /api/v2/vehicles/query), and read its answer strictly."""

from collections.abc import Sequence
from datetime import timedelta, timezone
from importlib.resources import files

import orjson

from verify_adapters.vehicle.rows import vehicles
from verify_adapters.vehicle.signature import require_answer_digest, signed_headers
from verify_adapters.vehicle.wire import REPLY, Reply, Result
from verify_service.domain.outcome import Answer, OutcomeCode, Question
from verify_service.sources.adapter import Exchange, SourceClient, WireRequest
from verify_service.sources.definition import load_source
from verify_service.sources.failures import SourceFailure, invalid
from verify_service.sources.reading import answered, not_answered, note_leftovers, read_as, read_json, same_identity

PATH = "/api/v2/vehicles/query"
_CHINA = timezone(timedelta(hours=8))
_JSON = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}

_CALL_FAILURES: dict[str, OutcomeCode] = {
    "4030": OutcomeCode.NOT_AUTHORISED,
    "4031": OutcomeCode.OUT_OF_SCOPE,
    "4290": OutcomeCode.RATE_LIMITED,
    "9001": OutcomeCode.MAINTENANCE,
    "9004": OutcomeCode.NOT_CONNECTED,
}
_NO_FACTS: dict[str, OutcomeCode] = {
    "02": OutcomeCode.PERSON_NOT_FOUND,
    "03": OutcomeCode.NAME_MISMATCH,
    "04": OutcomeCode.NOT_AUTHORISED,
    "05": OutcomeCode.NOT_CONNECTED,
}


class VehicleAdapter:
    """Credentials: app_id, app_secret, sign_type (HMAC-SM3 or HMAC-SHA256)."""

    source = load_source(files(__package__) / "source.toml")

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        """Ask in one call. The answer must name the nonce of the attempt that it answers."""
        body, nonces = _body(questions), [""]

        def build() -> WireRequest:
            nonces[0] = client.nonce()
            signed = signed_headers(client, method="POST", path=PATH, body=body, nonce=nonces[0])
            return WireRequest("query", "POST", PATH, "application/json", {**_JSON, **signed}, body)

        exchange = await client.fetch(build)
        answers = self.read(questions, [exchange])
        if exchange.headers.get("x-request-id") != nonces[0]:
            raise invalid(OutcomeCode.BINDING, "request id of another call")
        return answers

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        """Check digest, envelope and counts, then each person for herself."""
        exchange = exchanges[0]
        require_answer_digest(exchange)
        reply = read_as(REPLY, read_json(exchange.body))
        note_leftovers(self.source.id, (reply, *reply.results))
        if reply.requestId != exchange.headers.get("x-request-id"):
            raise invalid(OutcomeCode.BINDING, "request id in head and body")
        if reply.code in _CALL_FAILURES:
            raise SourceFailure(_CALL_FAILURES[reply.code], failed_by="source", detail=f"code {reply.code}")
        results = self._by_place(reply, len(questions))
        return [self._answer(q, results.get(str(place)), exchange) for place, q in enumerate(questions, 1)]

    def _by_place(self, reply: Reply, asked: int) -> dict[str, Result]:
        """Return results by their place in the request; a place twice, or one that was not asked, spoils the whole call."""
        results = {result.xh: result for result in reply.results}
        if reply.total != len(reply.results) or len(results) != len(reply.results):
            raise invalid(OutcomeCode.CONTRADICTION, "total and results")
        if not results.keys() <= {str(place) for place in range(1, asked + 1)}:
            raise invalid(OutcomeCode.CONTRADICTION, "a result that was not asked for")
        if sum(result.count for result in reply.results) > self.source.limits.records:
            raise invalid(OutcomeCode.LIMIT, "records")
        return results

    def _answer(self, question: Question, result: Result | None, exchange: Exchange) -> Answer:
        if result is None:
            return not_answered(question, OutcomeCode.CONTRADICTION, detail="person missing", exchanges=[exchange])
        try:
            _require_whole(question, result, exchange)
            if result.status in _NO_FACTS:
                return not_answered(question, _NO_FACTS[result.status], detail=f"status {result.status}", exchanges=[exchange])
            found = vehicles(result.vehicles, owner=question.subject.id_number, as_of=result.dataDate)
        except SourceFailure as damage:
            return not_answered(question, damage.code, detail=damage.detail, exchanges=[exchange])
        return answered(question, found, as_of=result.dataDate, exchanges=[exchange], names=[result.xm])


def _require_whole(question: Question, result: Result, exchange: Exchange) -> None:
    """Raise invalid.binding for another person, invalid.contradiction when status, count and rows disagree."""
    if not same_identity(question, id_number=result.sfzmhm, name=result.xm):
        raise invalid(OutcomeCode.BINDING, "echoed identity")
    if result.count != len(result.vehicles) or (result.status == "00") is not bool(result.vehicles):
        raise invalid(OutcomeCode.CONTRADICTION, "status, count and rows")
    if result.dataDate > exchange.answered_at.astimezone(_CHINA).date():
        raise invalid(OutcomeCode.CONTRADICTION, "data of a later day")


def _body(questions: Sequence[Question]) -> bytes:
    """Return the request: place, number, name, what for (cxyt) and under which authorisation (sqwth)."""
    persons = [
        {"xh": str(i), "sfzmhm": q.subject.id_number.reveal(), "xm": q.subject.name, "cxyt": q.purpose, "sqwth": q.consent}
        for i, q in enumerate(questions, 1)
    ]
    return orjson.dumps({"persons": persons})
