"""One attempt under a source's policy: what it waits for, and what its end says of the register.

"No record", "not found" and "refused" are answers: they never count against a register. What does: a lost connection, a
5xx, a timeout, and an answer that breaks the contract or its signature.
"""

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Self

from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.sources.failures import NotThere, SourceFailure
from verify_service.sources.policy.lane import Lane

if TYPE_CHECKING:
    from verify_service.sources.policy.policy import SourcePolicy

_OVERLOADED = frozenset({OutcomeCode.CONNECTION, OutcomeCode.TIMEOUT, OutcomeCode.HTTP_5XX, OutcomeCode.RATE_LIMITED})
_RETRIED = _OVERLOADED | {OutcomeCode.TRUNCATED}
_LOST = frozenset({OutcomeCode.CONNECTION, OutcomeCode.TIMEOUT, OutcomeCode.HTTP_5XX})
_DEADLINE_SECONDS = 0.01  # so close to the deadline, a cancellation is its doing


class Attempt:
    """Enter, leave, settle. Whoever leaves it without an exception settles it when the answer has been read.

    It began at `began` and is given `seconds`, both once it is entered.
    """

    __slots__ = ("_deadline", "_entered", "_lane", "_policy", "_took", "_until", "began", "seconds")

    def __init__(self, policy: "SourcePolicy", lane: Lane, deadline: float) -> None:
        self._policy = policy
        self._lane = lane
        self._deadline = deadline
        self._entered: int | None = None
        self._took = self._until = 0.0
        self.began = self.seconds = 0.0

    async def __aenter__(self) -> Self:
        """Wait for a place and for quota; bulk also waits for a breaker or for opening hours. Raises SourceFailure."""
        self._until = self._patient_until()
        await self._permission()
        while not (await self._taken() and self._begun()):
            await self._permission()
        return self

    def _patient_until(self) -> float:
        """Return until when this waits. Bulk has nobody waiting for it, so it may wait as long as its deadline allows."""
        now, share = self._policy.time(), self._policy.source.places.queue_percent if self._lane == "live" else 100
        return now + (self._deadline - now) * share / 100

    async def _permission(self) -> None:
        """Raise why nothing may be sent now; bulk pauses instead, if it has the time."""
        policy = self._policy
        while (refusal := policy.refusal()) is not None:
            pause = refusal.retry_after_seconds
            if self._lane == "live" or pause is None or policy.time() + pause > self._until - _DEADLINE_SECONDS:
                raise refusal
            await asyncio.sleep(max(pause, _DEADLINE_SECONDS))

    async def _taken(self) -> bool:
        """Take quota and a place, both or neither: who waits for one of them does not hold the other meanwhile."""
        policy, lane = self._policy, self._lane
        if not policy.quota.try_take(lane):
            await policy.quota.take(lane, self._until)
        if policy.places.try_take(lane):
            return True
        policy.quota.put_back(lane)
        await policy.places.take(lane, self._until)
        if policy.quota.try_take(lane):
            return True
        policy.places.leave(lane)
        return False

    def _begun(self) -> bool:
        """Begin; not if the source was isolated, closed or given up while this waited."""
        policy, lane = self._policy, self._lane
        if policy.refusal() is None:
            self.began, self.seconds = policy.time(), policy.timeouts.seconds[lane]
            self._entered = policy.breaker.enter(self.began)
            return True
        policy.quota.put_back(lane)
        policy.places.leave(lane)
        return False

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Free the place and count what happened."""
        policy, now = self._policy, self._policy.time()
        self._took = now - self.began
        failure = self._failure(error, now)
        code = failure.code if failure is not None else None
        policy.places.give_back(self._lane, began=self.began, now=now, overloaded=code in _OVERLOADED, good=error is None)
        if error is None:
            policy.budget.succeeded()
            policy.timeouts.took(self._took, now)
            return
        if code is OutcomeCode.TIMEOUT and self._took >= self.seconds:
            policy.timeouts.ran_out(self.seconds, now)
        if code in _RETRIED:
            policy.budget.failed()
        if failure is None:
            self._void()
        else:
            self.settle(failure)

    def _failure(self, error: BaseException | None, now: float) -> SourceFailure | None:
        """Return what the register did. A caller's deadline that cuts it off is a timeout; any other cancellation says nothing."""
        if isinstance(error, SourceFailure):
            return error
        if isinstance(error, asyncio.CancelledError) and now >= self._deadline - _DEADLINE_SECONDS:
            return SourceFailure(OutcomeCode.TIMEOUT, failed_by="source", detail="deadline")
        return None

    def settle(self, failure: SourceFailure | None) -> None:
        """Tell the breaker, once, what this attempt said of the register; None: its answer could be read."""
        policy = self._policy
        if failure is not None and failure.code is OutcomeCode.TIMEOUT and self._took < policy.fair_seconds:
            self._void()
        elif self._entered is not None:
            policy.breaker.record(self._entered, self.began + self._took, failed=_is_broken(failure), slow=self._took > policy.slow_seconds)
            self._entered = None

    def _void(self) -> None:
        if self._entered is not None:
            self._policy.breaker.void(self._entered)
            self._entered = None


def _is_broken(failure: SourceFailure | None) -> bool:
    """Say whether the register failed: it was lost, or broke its contract. A surprise in our own reader is not its fault."""
    if failure is None or failure.failed_by == "us" or isinstance(failure, NotThere):
        return False
    return failure.code in _LOST or failure.code.outcome_class is OutcomeClass.INVALID
