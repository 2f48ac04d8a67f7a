"""Compute a report again from the stored raw answers: same evidence, same rules, the same bytes (M30)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

import orjson

from verify_service.bodies import read_request
from verify_service.bootstrap import installed_adapters
from verify_service.domain.outcome import Answer, OutcomeClass, Question
from verify_service.domain.policy import Calendar
from verify_service.services import Services
from verify_service.signing.canonical import canonical_bytes
from verify_service.sources.adapter import Exchange
from verify_service.sources.failures import SourceFailure
from verify_service.storage.records import StoredExchange, StoredShare
from verify_service.verification.answer import payload_of
from verify_service.verification.compose import Header
from verify_service.verification.fanout import reread
from verify_service.verification.plan import local_day
from verify_service.verification.verify import Job, Verifier

_NEVER_READ = frozenset({OutcomeClass.UNAVAILABLE, OutcomeClass.PENDING})


async def recompute_report(services: Services, *, tenant: str, report_id: str) -> bool:
    """Say whether the recomputed canonical bytes equal the signed ones. Raises NotFound."""
    stored = await services.store.report(tenant=tenant, report_id=report_id, actor="recompute", now=services.clock())
    payload = payload_of(stored.jws)
    row = await services.store.verification(tenant=tenant, verification_id=stored.verification_id)
    answers = await services.store.answers(tenant=tenant, verification_id=row.id, up_to=stored.version)
    evidence = [e for e in await services.store.evidence(tenant=tenant, verification_id=row.id) if e.version <= stored.version]
    shares = [s for s in await services.store.shares(tenant=tenant, verification_id=row.id) if s.version <= stored.version]
    made = [m for m in await services.store.amendments(tenant=tenant, verification_id=row.id) if m.version <= stored.version]
    job = Job(row.tenant, row.client_id, row.id, read_request(row.request), row.fence, row.created_at, row.request_no)
    signed = orjson.loads(payload)
    report = of_that_day(services.verifier, signed).compose(
        job, read_again(answers, evidence, shares, calendar=services.policies.calendar), header_of(signed), made
    )
    return canonical_bytes(report) == payload


def of_that_day(verifier: Verifier, signed: Mapping[str, Any]) -> Verifier:
    """Return the verifier with the sources that the report tells of: one that was installed later has no place in it."""
    then = {source["id"] for source in signed["sources"]}
    return replace(verifier, sources={name: source for name, source in verifier.sources.items() if name in then})


def header_of(report: Mapping[str, Any]) -> Header:
    """Return what compose was given for a stored report; all else follows from request, answers, amendments and policy."""
    header = report["header"]
    return Header(
        **{name: header[name] for name in ("report_id", "verification_id", "version", "issuer", "replaces", "reason")},
        request_no=header.get("request_no"),
        issued_at=datetime.fromisoformat(header["issued_at"]),
        valid_until=date.fromisoformat(header["valid_until"]),
        objection_until=date.fromisoformat(header["objection_until"]),
        accepted_on=_day(header.get("accepted_on")),
        due_on=_day(header.get("due_on")),
        concluded_on=_day(header.get("concluded_on")),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def read_again(
    answers: Sequence[Answer],
    evidence: Sequence[StoredExchange],
    shares: Sequence[StoredShare] = (),
    *,
    calendar: Callable[[str], Calendar],
) -> list[Answer]:
    """Replace every answer that was read from kept exchanges by what the adapter reads from them now. `calendar` is by region."""
    current = {a.question.id: a for a in answers}
    for _, group in groupby(evidence, key=lambda e: (e.version, e.source, e.call_no)):
        call = list(group)
        current.update(_read_call(current, call, calendar))
    for share in shares:
        current.update(_read_share(current, share, calendar))
    return list(current.values())


def _read_call(current: dict[str, Answer], call: Sequence[StoredExchange], calendar: Callable[[str], Calendar]) -> dict[str, Answer]:
    """Read one call again, if the current answers came from it and it was ever read whole; a question may have been asked again since."""
    exchanges = [e.exchange for e in call]
    stored = _made_from(current, call[0].question_ids, exchanges)
    try:
        read = _reread(call[0].source, [a.question for a in stored], exchanges, calendar) if stored else ()
    except SourceFailure as failure:
        return {a.question.id: _failed_again(a, failure) for a in stored}
    return {a.question.id: _scheduled(a, current[a.question.id]) for a in read}


def _read_share(current: dict[str, Answer], share: StoredShare, calendar: Callable[[str], Calendar]) -> dict[str, Answer]:
    """Read one shared call again, and take this verification's answers out of it."""
    stored = _made_from(current, tuple(share.places), share.call.exchanges)
    try:
        read = _reread(share.call.source, share.call.questions, share.call.exchanges, calendar) if stored else ()
    except SourceFailure as failure:
        return {a.question.id: _failed_again(a, failure) for a in stored}
    return {a.question.id: replace(read[share.places[a.question.id]], question=a.question) for a in stored}


def _scheduled(answer: Answer, stored: Answer) -> Answer:
    """Return the answer with the next look of the stored one: when we look again is no part of what the register said."""
    plan = stored.outcome
    return replace(answer, outcome=replace(answer.outcome, next_look=plan.next_look, latest=plan.latest))


def _made_from(current: dict[str, Answer], question_ids: Sequence[str], exchanges: Sequence[Exchange]) -> list[Answer]:
    """Return the current answers if all of them came from this call and it was ever read whole, else none."""
    digests = tuple(e.answer_digest for e in exchanges)
    stored = [current[i] for i in question_ids if i in current and current[i].outcome.answer_digests == digests]
    if len(stored) != len(question_ids) or all(a.outcome.code.outcome_class in _NEVER_READ for a in stored):
        return []
    return stored


def _reread(
    source: str, questions: Sequence[Question], exchanges: Sequence[Exchange], calendar: Callable[[str], Calendar]
) -> Sequence[Answer]:
    adapter = installed_adapters()[source]
    today = local_day(max(e.answered_at for e in exchanges))
    return reread(adapter, questions, exchanges, today=today, calendar=calendar(adapter.source.region))


def _failed_again(answer: Answer, failure: SourceFailure) -> Answer:
    """Return the answer as the fan-out made it from the same failure; its times are those of the day it was asked."""
    outcome = replace(answer.outcome, code=failure.code, failed_by=failure.failed_by, detail=failure.detail)
    return Answer(answer.question, outcome)
