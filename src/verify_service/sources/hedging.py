"""A second message for speed, where a register's contract allows one: after p95, at most one, what is decided first holds.

A question about a person is a logged legal act, so this runs for no register whose source.toml has no table `hedging`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from verify_service.sources.definition import HedgingRule
from verify_service.sources.repeating import stands

T = TypeVar("T")
LOST = "the other attempt has decided"
_MOST_TOKENS = 10.0


class Hedges:
    """One source's, in one process: every first message earns a hundredth of `extra_percent`, a second one costs one."""

    def __init__(self, rule: HedgingRule) -> None:
        self._earned = rule.extra_percent / 100
        self.tokens = 0.0

    async def run(self, once: Callable[[], Coroutine[Any, Any, T]], *, after_seconds: float, may: Callable[[], bool]) -> T:
        """Run `once`; if it lasts longer, `may` says so and the budget has it, once more beside it.

        What loses is cancelled before this returns. If both fail the first one's failure is raised.
        """
        self.tokens = min(_MOST_TOKENS, self.tokens + self._earned)
        under_way = [asyncio.create_task(once())]
        try:
            await asyncio.wait(under_way, timeout=after_seconds)
            if not under_way[0].done() and self.tokens >= 1 and may():
                self.tokens -= 1
                under_way.append(asyncio.create_task(once()))
            return await _decided(under_way)
        finally:
            for attempt in under_way:
                attempt.cancel(LOST)
            await asyncio.wait(under_way)


async def _decided(under_way: Sequence["asyncio.Task[T]"]) -> T:
    """Return the first answer. A failure that stands is raised at once: a refusal by one replica is not outvoted by another."""
    pending = set(under_way)
    while pending:
        ended, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        errors = [error for attempt in ended if (error := attempt.exception()) is not None]
        if (standing := next(filter(stands, errors), None)) is not None:
            raise standing
        if len(errors) < len(ended):
            return next(attempt.result() for attempt in under_way if attempt in ended and attempt.exception() is None)
    return under_way[0].result()
