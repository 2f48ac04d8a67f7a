"""One source's places: how many calls are in flight, who gets the next place, and who is sent away at the door.

Their number follows the register (additive increase, multiplicative decrease): one more for every round of good answers
while all are taken, a quarter fewer when calls begin to fail. Live goes before bulk and has a reserve that bulk never
takes; bulk gets every tenth place when both wait, and any place that live leaves free.
"""

import asyncio
from collections import deque

from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.definition import PlacesRule
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy.lane import Lane

_WEIGHT = 0.1  # of the newest call in the mean duration


class Places:
    """Take a place, then give it back exactly once. Use it inside one event loop."""

    def __init__(self, rule: PlacesRule, *, most: int) -> None:
        self._rule = rule
        self._least, self._most = min(rule.least, most), most
        self._limit = float(max(self._least, min(rule.first, most)))
        self._waiting: dict[Lane, deque[asyncio.Future[None]]] = {"live": deque(), "bulk": deque()}
        self._taken: dict[Lane, int] = {"live": 0, "bulk": 0}
        self._live_in_a_row = 0  # places given to live while bulk waited
        self._decreased_at = float("-inf")
        self._mean_seconds = 0.0

    @property
    def limit(self) -> int:
        """Return how many calls may be in flight now."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """Return how many calls are."""
        return self._taken["live"] + self._taken["bulk"]

    @property
    def waiting(self) -> int:
        """Return how many calls wait for a place."""
        return sum(not f.done() for queue in self._waiting.values() for f in queue)

    def try_take(self, lane: Lane) -> bool:
        """Take a place if one is free."""
        if not self._is_free(lane):
            return False
        self._taken[lane] += 1
        return True

    def _is_free(self, lane: Lane) -> bool:
        if self.in_flight >= self.limit:
            return False
        if lane == "live":
            return True
        for_bulk = max(1, self.limit * (100 - self._rule.live_reserve_percent) // 100)
        return self._taken["bulk"] < for_bulk

    async def take(self, lane: Lane, until: float) -> None:
        """Wait for a place. Raises unavailable.shed: at once when the queue is too long for that, else when none came free."""
        if asyncio.get_running_loop().time() + self._expected_wait(lane) > until:
            raise SourceFailure(OutcomeCode.SHED, failed_by="us", detail="queue too long")
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[lane].append(given)
        try:
            async with asyncio.timeout_at(until):
                await given
        except BaseException as error:
            if given.done() and not given.cancelled():
                self._leave(lane)  # it came in the very moment in which the caller went away
            if isinstance(error, TimeoutError):
                raise SourceFailure(OutcomeCode.SHED, failed_by="us", detail="no place free") from None
            raise

    def _expected_wait(self, lane: Lane) -> float:
        ahead = len(self._waiting["live"]) + (len(self._waiting["bulk"]) if lane == "bulk" else 0)
        return (ahead + 1) * self._mean_seconds / self._limit

    def give_back(self, lane: Lane, *, began: float, now: float, overloaded: bool, good: bool) -> None:
        """Free a place; `began` is when its call was sent. `overloaded`: it failed as calls to a register under load do."""
        self._mean_seconds += _WEIGHT * (now - began - self._mean_seconds)
        if overloaded and began >= self._decreased_at:  # once per round: calls of the round before say the same again
            self._limit = max(float(self._least), self._limit * (100 - self._rule.decrease_percent) / 100)
            self._decreased_at = now
        elif good and self.in_flight >= self.limit:
            self._limit = min(float(self._most), self._limit + 1 / self._limit)
        self._leave(lane)

    def leave(self, lane: Lane) -> None:
        """Free a place whose call was never sent."""
        self._leave(lane)

    def _leave(self, lane: Lane) -> None:
        self._taken[lane] -= 1
        while (following := self._next()) is not None:
            self._taken[following] += 1
            self._waiting[following].popleft().set_result(None)

    def _next(self) -> Lane | None:
        """Return the lane whose turn it is, if it waits and a place is free for it."""
        live = self._drop_gone("live") and self._is_free("live")
        bulk = self._drop_gone("bulk") and self._is_free("bulk")
        if bulk and (not live or (self._live_in_a_row + 1) * self._rule.bulk_share_percent >= 100):
            self._live_in_a_row = 0
            return "bulk"
        self._live_in_a_row += bulk
        return "live" if live else None

    def _drop_gone(self, lane: Lane) -> bool:
        queue = self._waiting[lane]
        while queue and queue[0].done():
            queue.popleft()
        return bool(queue)
