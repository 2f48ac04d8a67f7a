"""The tickets of a chunk: one look at each that is due, shared by the first issue and by every later one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from verify_service.bulk.looking import look_once
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question
from verify_service.services import Services
from verify_service.sources.adapter import NotYet
from verify_service.storage.batch_records import ChunkWork
from verify_service.storage.records import StoredTicket, TicketClaim, TicketState
from verify_service.verification.fanout import Call, HandedInAgain
from verify_service.verification.plan import Plan
from verify_service.verification.verify import Job, Previous


@dataclass(slots=True)
class Looked:
    """What the tickets brought: answers, pending ones among them; `open` are the tickets as they are looked at next."""

    calls: list[Call] = field(default_factory=list)
    open: list[StoredTicket] = field(default_factory=list)
    closed: dict[str, TicketState] = field(default_factory=dict)


async def look_at_all(
    services: Services, work: ChunkWork, households: Sequence[tuple[Job, Plan]], tickets: Sequence[StoredTicket]
) -> Looked:
    """Look at every due ticket of households that have no version yet; what is not answered is pending."""
    questions = {q.id: q for _, plan in households for q in chain.from_iterable(plan.asked.values())}
    looked = Looked()
    for ticket in tickets:
        if not questions.keys() >= set(ticket.question_ids):  # its source is not connected any more
            looked.open.append(ticket)
            continue
        pending = _pending(work, ticket, [questions[i] for i in ticket.question_ids])
        found: Call | NotYet = NotYet(ticket.ticket.next_look)
        if ticket.ticket.next_look <= services.clock():
            found = await look(services, work, ticket, pending.answers, _permission(services, households, ticket))
        if found.next_look is not None:
            looked.open.append(as_next(ticket, found, found.next_look))
        elif isinstance(found, Call):
            looked.closed[ticket.ticket.dedupe_key] = closed_as(found)
        looked.calls.append(found if isinstance(found, Call) else _pending(work, looked.open[-1], pending.questions))
    return looked


async def look(
    services: Services, work: ChunkWork, ticket: StoredTicket, answers: Sequence[Answer], may_ask: Callable[[], Awaitable[bool]]
) -> Call | NotYet:
    """Look at a ticket that many households share; it is handed in again, if need be, only while every consent still lives."""
    claim = TicketClaim(work.tenant, work.key.batch_id, ticket)
    return await look_once(services, claim, Previous("", 0, answers), may_ask)


def as_next(kept: StoredTicket, found: Call | NotYet, next_look: datetime) -> StoredTicket:
    """Return the ticket as it is looked at next: under the same key; with another reference if it was handed in again."""
    if isinstance(found, HandedInAgain):
        return replace(kept, ticket=found.ticket, file_digest=found.file_digest, submissions=kept.submissions + 1)
    return replace(kept, ticket=replace(kept.ticket, next_look=next_look))


def closed_as(found: Call) -> TicketState:
    """Return how a ticket ended."""
    return TicketState.DONE if found.readable else TicketState.EXPIRED


def _permission(services: Services, households: Sequence[tuple[Job, Plan]], ticket: StoredTicket) -> Callable[[], Awaitable[bool]]:
    asked = frozenset(ticket.question_ids)

    async def may_ask() -> bool:
        concerned = ((job, [q for q in plan.asked.get(ticket.source, ()) if q.id in asked]) for job, plan in households)
        return all(services.verifier.may_ask(job, questions, ()) for job, questions in concerned if questions)

    return may_ask


def _pending(work: ChunkWork, kept: StoredTicket, questions: Sequence[Question]) -> Call:
    ticket = kept.ticket
    outcome = Outcome(OutcomeCode.PENDING, attempts=1, asked_at=work.begun_at, next_look=ticket.next_look, latest=ticket.latest)
    return Call(kept.source, questions, [Answer(q, outcome) for q in questions])
