"""Stop asking: cancel a verification, or take consents back. After the acknowledgement no question leaves."""

import asyncio
from datetime import timedelta

from verify_service.amending.holding import Held, hold
from verify_service.domain.amendment import ActRequest, Cancellation, Made, Revocation, RevocationRequest
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.errors import InvalidInput, Violation, WrongState
from verify_service.services import Finished, Services, VerificationView
from verify_service.storage.records import Client, Key, VerificationState
from verify_service.verification.amend import amended
from verify_service.verification.plan import Permits

_UNFINISHED = frozenset({VerificationState.ACCEPTED, VerificationState.RUNNING})


async def cancel(
    services: Services, client: Client, verification_id: str, asked: ActRequest, *, key: Key | None
) -> Finished | VerificationView:
    """Stop a verification: one without a report ends as cancelled, one that waits gets a version that says so.

    Cancelling what is cancelled says so again. Raises NotFound, WrongState (nothing is waited for), LostLease (another
    process asks at this moment: ask again).
    """
    where = {"tenant": client.tenant, "verification_id": verification_id}
    row = await services.store.verification(**where)
    if row.state in _UNFINISHED and await _end(services, client, verification_id, asked):
        return await services.view(client, verification_id)
    if row.state is VerificationState.CANCELLED:
        return await services.view(client, verification_id)
    async with hold(services, client, verification_id) as held:
        waiting = held.waiting
        if not waiting:
            raise WrongState("nothing_waiting", "a verification that still waits for a register")
        answers, closed = await held.end(waiting, OutcomeCode.CANCELLED, "cancelled while it waited for the register")
        return await held.issue(Cancellation(cells=_cells(waiting), **dict(asked)), answers=answers, closed=closed, key=key)


async def _end(services: Services, client: Client, verification_id: str, asked: ActRequest) -> bool:
    """End a verification that has no report. False: it has one by now. Raises LostLease when another process works on it."""
    now = services.clock()
    made = Made(0, now, Cancellation(cells=(), **dict(asked)))
    running = next((task for task in services.background if task.get_name() == verification_id), None)
    if running is not None:
        # Under the fence of our own task: whatever it would still issue is refused from here on.
        row = await services.store.verification(tenant=client.tenant, verification_id=verification_id)
        over = await services.store.cancel(row, made=made, actor=client.id)
        running.cancel()
        await asyncio.wait({running})
        return over
    until = now + timedelta(seconds=services.limits.lease_seconds)
    row = await services.store.claim(tenant=client.tenant, verification_id=verification_id, now=now, lease_until=until)
    over = await services.store.cancel(row, made=made, actor=client.id)
    if not over:
        await services.store.renew(tenant=row.tenant, verification_id=row.id, fence=row.fence, lease_until=None)
    return over


async def revoke(services: Services, client: Client, verification_id: str, asked: RevocationRequest, *, key: Key | None) -> Finished:
    """Take consents back: what still waited under them is not waited for any more, and the next version says so.

    Raises InvalidInput (a number that the request does not have), NotFound, WrongState, LostLease.
    """
    async with hold(services, client, verification_id) as held:
        numbers = {c.number for c in held.request.consents}
        if broken := [_unknown(i) for i, number in enumerate(asked.consents) if number not in numbers]:
            raise InvalidInput(broken)
        over = _without_ground(held, asked)
        answers, closed = await held.end(over, OutcomeCode.NO_CONSENT, "the consent was taken back before the register answered")
        return await held.issue(Revocation(cells=_cells(over), **dict(asked)), answers=answers, closed=closed, key=key)


def _unknown(place: int) -> Violation:
    return Violation(f"/consents/{place}", "known_consent", "the number of a consent of this verification")


def _without_ground(held: Held, asked: RevocationRequest) -> list[Answer]:
    """Return the waiting answers that no consent or legal basis permits any more."""
    after = amended(held.request, [Made(0, held.now, Revocation(cells=(), **dict(asked)))])
    permits = {m.ref: Permits.of(after, m, held.now) for m in after.household.members}
    return [a for a in held.waiting if permits[a.question.member].ground(a.question.source)[0] is None]


def _cells(answers: list[Answer]) -> tuple[str, ...]:
    return tuple(f"{a.question.member}:{a.question.source}" for a in answers)
