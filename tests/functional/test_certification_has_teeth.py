"""A reader that believes everything fails every line that asks for disbelief, against an endpoint that does nothing wrong."""

from collections.abc import Sequence
from typing import Any

import orjson

from tests.functional.test_certification import clock
from verify_service.certification.asking import Asker
from verify_service.certification.certify import certify
from verify_service.certification.checks import Bench
from verify_service.domain.outcome import Answer, Question
from verify_service.domain.records import FurtherRecord, RecordStatus
from verify_service.sandbox.delivery import Delivery
from verify_service.sandbox.faults import Faults
from verify_service.sandbox.http import serve_http
from verify_service.sources.adapter import Exchange, SourceClient, WireRequest
from verify_service.sources.cases import Case
from verify_service.sources.client import system_randomness
from verify_service.sources.definition import Endpoint, Source
from verify_service.sources.reading import answered
from verify_service.sources.register import RegisterReply, RegisterRequest
from verify_service.verification.plan import local_day

FOUND, NOTHING = "990101197905120019", "990101198109230027"
SOURCE = Source.model_validate(
    {
        **dict.fromkeys(("id", "title", "title_zh", "authority", "legal_basis", "protocol", "contract_version"), "gullible"),
        "kinds": ["thing"],
        "mode": "immediate",
        "level": "city",
        "region": "990000",
        "subjects_per_call": 1,
        "stale_after_days": 31,
        "quota": {"per_second": 100, "per_day": 10_000},
        "further": {"thing": {"title": "thing", "title_zh": "物", "section": "benefits"}},
    }
)


class Gullible:
    """An adapter that reads whatever comes: what it does not understand is nothing found."""

    source = SOURCE

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        body = orjson.dumps({"id": questions[0].subject.id_number.reveal()})
        exchange = await client.fetch(lambda: WireRequest("ask", "POST", "/", expect="application/json", body=body))
        return self.read(questions, [exchange])

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        has = exchanges[-1].body.rstrip().endswith(b'"things":1}')
        thing = FurtherRecord(source_key="1", status=RecordStatus.CURRENT, kind="thing", fields={})
        return [answered(q, [thing] if has else [], as_of=local_day(exchanges[-1].answered_at), exchanges=exchanges) for q in questions]


class Faultless:
    """A register that tells the truth about two people."""

    def reply(self, request: RegisterRequest) -> RegisterReply:
        number = orjson.loads(request.body)["id"]
        body = orjson.dumps({"id": number, "things": int(number == FOUND)})
        return RegisterReply(200, {"Content-Type": "application/json"}, body, people=[number])


def case(number: str, name: str, code: str, records: list[dict[str, Any]]) -> Case:
    return Case.model_validate(
        {"title": name, "person": {"id_number": number, "name": name}, "wire": {}, "expected": {"code": code, "records": records}}
    )


async def test_a_reader_that_believes_everything_fails_where_disbelief_is_asked_for() -> None:
    record = {"kind": "thing", "source_key": "1", "status": "current", "fields": {}}
    cases = {"found": case(FOUND, "王示范", "answered.records", [record]), "nothing": case(NOTHING, "李示例", "answered.no_record", [])}
    server = await serve_http(Faultless(), Delivery("gullible", Faults("none", 1)), host="127.0.0.1", port=0)
    endpoint = Endpoint(base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    certificate = await certify(Bench.of(Asker(Gullible(), clock, system_randomness()), endpoint, pace_seconds=0), cases)
    server.close()
    assert not certificate.passed
    verdicts = {(line.check, line.expected.partition(":")[0]): line.verdict for line in certificate.lines if line.check != "case"}
    failed = {name for name, verdict in verdicts.items() if verdict == "failed"}
    # The client itself sees to these: no reader can undo them.
    held = {("deadline", "hang"), ("deadline", "drip"), ("malformed", "200 with HTML")}
    held |= {("malformed", f"cut after {share}%, more declared") for share in (20, 50, 80, 100)}
    held |= {("quota", "429 once, Retry-After 1"), ("quota", "429 always, Retry-After 1")}
    assert failed == verdicts.keys() - held - {("paging", "no case whose answer takes several pages")}
    assert {"binding", "malformed"} == {check for check, _ in failed}
