"""Small builders for the storage suite: a client, a request, an issue with answers, evidence and a ticket."""

import hashlib
import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from verify_service.domain.identity import IdNumber, check_character
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question, Subject
from verify_service.domain.records import RecordStatus, SecuritiesTotal
from verify_service.sources.adapter import Exchange, SharedCall, Ticket
from verify_service.storage.records import (
    Accepted,
    Client,
    Issue,
    Replay,
    ReportVersion,
    Response,
    StoredExchange,
    StoredShare,
    StoredTicket,
    VerificationState,
)
from verify_service.storage.store import Store

NOW = datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC)
LEASE = NOW + timedelta(seconds=30)
AFTER_LEASE = NOW + timedelta(seconds=31)
TENANT, OTHER = "county-a", "county-b"
ROUTE = "/v1/verifications"
NAME = "示例·白杨"
NUMBER = "99010119790512001"
NUMBER += check_character(NUMBER)
BODY = f'{{"name":"{NAME}","id_number":"{NUMBER}"}}'.encode()
_ids = itertools.count(1)


def new_id() -> str:
    """Return an id that looks like those of the service."""
    return f"0193a5c0-0000-7000-8000-{next(_ids):012x}"


def client(tenant: str = TENANT) -> Client:
    return Client(f"client-{tenant}", tenant, "Welfare desk", "hash", ("verify",), ("low_income",), ("990101",), NOW)


async def accept(store: Store, **changes: Any) -> Accepted | Replay:
    """Accept BODY; `changes` replace single arguments."""
    body = changes.pop("request", BODY)
    tenant = changes.pop("tenant", TENANT)
    arguments: dict[str, Any] = {
        "tenant": tenant,
        "client_id": f"client-{tenant}",
        "verification_id": new_id(),
        "request": body,
        "fingerprint": hashlib.sha256(body).hexdigest(),
        "idempotency_key": None,
        "route": ROUTE,
        "client_reference": "case-17",
        "now": NOW,
        "lease_until": LEASE,
    }
    return await store.accept(**{**arguments, **changes})


async def accepted(store: Store, **changes: Any) -> Accepted:
    outcome = await accept(store, **changes)
    assert isinstance(outcome, Accepted)
    return outcome


def answer(question_id: str = "q1", *, code: OutcomeCode = OutcomeCode.RECORDS, source: str = "securities") -> Answer:
    question = Question(
        id=question_id,
        member=question_id,
        subject=Subject(IdNumber.parse(NUMBER), NAME),
        source=source,
        tenant=TENANT,
        purpose="low_income",
        consent="consent-1",
        income_from="2026-01",
        income_to="2026-06",
        as_of=date(2026, 6, 30),
        digest="digest",
    )
    outcome = Outcome(code, attempts=2, asked_at=NOW, answered_at=NOW, as_of=date(2026, 6, 30), answer_digests=("d1", "d2"))
    return Answer(question, outcome, (_holding(),) if code is OutcomeCode.RECORDS else ())


def _holding() -> SecuritiesTotal:
    return SecuritiesTotal(
        source_key="account-1",
        status=RecordStatus.CURRENT,
        one_code_masked="1*****7",
        account_masked="A******1",
        market="shanghai",
        account_class="a_share",
        opened=True,
        account_state="normal",
        custodian="Sample Securities",
        stock_value_fen=123_456_789,
        neeq_shares=0,
        neeq_value_fen=0,
        fund_value_fen=0,
        bond_value_fen=0,
        price_date=date(2026, 6, 30),
        query_date=date(2026, 6, 30),
        result_flag="1",
    )


def exchange(source: str = "securities", *, call_no: int = 1, ordinal: int = 0, body: bytes = BODY) -> StoredExchange:
    message = Exchange(
        step="search",
        status=200,
        headers={"content-type": "application/json", "x-echo": NAME},
        body=body,
        request_digest="rd",
        answer_digest=hashlib.sha256(body).hexdigest(),
        asked_at=NOW,
        answered_at=NOW + timedelta(microseconds=1),
        attempts=2,
    )
    return StoredExchange(source, call_no, ordinal, ("q1", "q2"), message)


def shared_call(*people: str, body: bytes = BODY) -> SharedCall:
    """Return a call that carried a question for each of these ids, and got two pages."""
    pages = [exchange("vehicle", ordinal=0, body=body).exchange, exchange("vehicle", ordinal=1, body=b"\n\x00\n").exchange]
    return SharedCall("vehicle", tuple(answer(person, source="vehicle").question for person in people), pages)


def share(call: SharedCall, question_id: str, *, call_no: int = 7) -> StoredShare:
    places = {question.id: place for place, question in enumerate(call.questions)}
    return StoredShare(call_no, {question_id: places[question_id]}, call)


def ticket(key: str = "ticket-1", *, next_look: datetime = NOW) -> StoredTicket:
    return StoredTicket("securities", ("q1",), Ticket("ref-1", key, next_look, NOW + timedelta(days=3)))


def issue(held: Accepted, **changes: Any) -> Issue:
    """Return version 1, final, with two answers and one exchange; `changes` replace single fields."""
    jws = changes.pop("jws", b"header.payload.signature")
    report = ReportVersion(new_id(), held.verification_id, 1, "final", hashlib.sha256(jws).hexdigest(), "kid-1", NOW, None)
    whole = Issue(
        tenant=TENANT,
        verification_id=held.verification_id,
        fence=held.fence,
        report=report,
        jws=jws,
        state=VerificationState.FINAL,
        actor=f"client-{TENANT}",
        now=NOW,
        answers=(answer("q1"), answer("q2", code=OutcomeCode.NO_RECORD)),
        exchanges=(exchange(),),
        response=Response(200, {"etag": '"1"'}, b'{"whole":"answer"}'),
    )
    return replace(whole, **changes)


def next_version(before: Issue, held: Accepted, **changes: Any) -> Issue:
    """Return the version after `before`, issued by who holds the verification now."""
    report = replace(
        before.report,
        id=new_id(),
        version=before.report.version + 1,
        replaces=before.report.id,
        digest=f"digest-{before.report.version + 1}",
    )
    whole = replace(before, fence=held.fence, report=report, jws=b"another.payload.signature", answers=(), exchanges=(), tickets=())
    return replace(whole, **changes)
