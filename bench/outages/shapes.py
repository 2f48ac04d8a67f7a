"""The twelve shapes: what becomes of the n-th request, `t` seconds into the run, while `waiting` others are not answered yet.

Times are shares of the run or those of the policy, so that a short run has the same shape as a long one.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["pass", "status", "hang", "drip", "reset", "foreign", "halved", "login page", "empty", "braces"]
WRONG: tuple[Kind, ...] = ("foreign", "halved", "login page", "empty", "braces")


@dataclass(frozen=True, slots=True)
class Act:
    """What becomes of one request, after `delay` seconds. Only "pass" lets the register's whole answer through."""

    kind: Kind = "pass"
    delay: float = 0.0
    status: int = 503
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When a request arrives: `t` seconds and the `share` of the run that is over, its number, and how many wait."""

    t: float
    share: float
    n: int
    waiting: int
    this_second: int


Shape = Callable[[Moment, random.Random], Act]
_DEAD, _FINE, _HANG = Act("reset"), Act(), Act("hang")
_TOO_MANY = Act("status", status=429, retry_after=1)


def slow(_: Moment, chance: random.Random) -> Act:
    """Take half a second to a second and a half."""
    return Act(delay=chance.uniform(0.5, 1.5))


def flapping(now: Moment, _: random.Random) -> Act:
    """Die and come back, three times in a run."""
    return _DEAD if int(now.share * 6) % 2 else _FINE


def a_third_fails(_: Moment, chance: random.Random) -> Act:
    """Answer three in ten with 503."""
    return Act("status") if chance.random() < 0.3 else _FINE


def storms_of_429(now: Moment, _: random.Random) -> Act:
    """Refuse everything for a quarter of the time, with Retry-After."""
    return _TOO_MANY if int(now.share * 8) % 4 == 3 else _FINE


def brown_out(now: Moment, _: random.Random) -> Act:
    """Be the slower the more is asked at once."""
    return Act(delay=0.05 * (1 + now.waiting) ** 1.5)


def cold_start(now: Moment, chance: random.Random) -> Act:
    """Fail and dawdle at first, be well after half the run."""
    if now.share > 0.5:
        return _FINE
    return Act("status") if chance.random() < 0.5 else Act(delay=2 * (0.5 - now.share))


def half_dead(now: Moment, _: random.Random) -> Act:
    """Let every second request hang: one of two machines behind the address is gone."""
    return _HANG if now.n % 2 else _FINE


def rate_cut(now: Moment, _: random.Random) -> Act:
    """Allow half of what is asked each second."""
    return _TOO_MANY if now.this_second > 10 else _FINE


def wrong_but_200(now: Moment, _: random.Random) -> Act:
    """Answer every second request with something else, whole and with 200."""
    return Act(WRONG[now.n // 2 % len(WRONG)]) if now.n % 2 else _FINE


def correlated(now: Moment, _: random.Random) -> Act:
    """Hang, all registers at once, for the middle third."""
    return _HANG if 1 / 3 < now.share < 2 / 3 else _FINE


SHAPES: dict[str, Shape] = {
    "dead": lambda _now, _chance: _DEAD,
    "slow": slow,
    "flapping": flapping,
    "30 % errors": a_third_fails,
    "429 storms": storms_of_429,
    "brown-out": brown_out,
    "correlated": correlated,
    "cold start": cold_start,
    "drip": lambda _now, _chance: Act("drip"),
    "half-dead replica": half_dead,
    "rate cut by half": rate_cut,
    "wrong but 200": wrong_but_200,
}
EVERYWHERE = {"correlated"}
