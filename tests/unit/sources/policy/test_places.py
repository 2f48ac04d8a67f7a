"""Places: who gets the next one, who is sent away, and how many there are. In virtual time."""

import asyncio
import itertools
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.virtual_time import run
from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.definition import PlacesRule
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy.lane import Lane
from verify_service.sources.policy.places import Places

FAR = 10_000.0


def places(most: int = 10, first: int = 10) -> Places:
    return Places(PlacesRule(first=first), most=most)


async def call(one: Places, lane: Lane, seconds: float, done: Counter[Lane] | None = None) -> None:
    """Take a place as an attempt does, hold it, give it back."""
    now = asyncio.get_running_loop().time
    if not one.try_take(lane):
        await one.take(lane, FAR)
    began = now()
    try:
        await asyncio.sleep(seconds)
    finally:
        one.give_back(lane, began=began, now=now(), overloaded=False, good=False)
    if done is not None:
        done[lane] += 1


def saturated(*lanes: Lane, most: int = 10) -> Counter[Lane]:
    """Let many callers on each lane call again and again for 100 seconds; return the finished calls."""
    done: Counter[Lane] = Counter()

    async def caller(one: Places, lane: Lane) -> None:
        while True:
            await call(one, lane, 1.0, done)

    async def work() -> None:
        one = places(most, most)
        tasks = [asyncio.create_task(caller(one, lane)) for lane in lanes for _ in range(3 * most)]
        await asyncio.sleep(100.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(work())
    return done


@pytest.mark.parametrize("most", [1, 2, 5, 10, 16, 40])
def test_bulk_has_a_tenth_while_live_wants_everything(most: int) -> None:
    done = saturated("live", "bulk", most=most)
    assert done.total() == 100 * most
    assert 0.09 * done.total() <= done["bulk"] <= 0.12 * done.total()


def test_bulk_alone_uses_what_is_not_reserved() -> None:
    assert saturated("bulk")["bulk"] == 100 * 8
    assert saturated("live")["live"] == 100 * 10


def test_live_finds_a_place_at_once_while_bulk_takes_what_it_can() -> None:
    async def work() -> None:
        one = places()
        bulk = [asyncio.create_task(call(one, "bulk", 5.0)) for _ in range(30)]
        await asyncio.sleep(1)
        assert (one.in_flight, one.waiting) == (8, 22)
        assert one.try_take("live")
        assert one.try_take("live")
        assert not one.try_take("live")
        one.leave("live")
        one.leave("live")
        await asyncio.gather(*bulk)
        assert (one.in_flight, one.waiting) == (0, 0)

    run(work())


def test_live_goes_before_bulk_that_came_earlier() -> None:
    order: list[str] = []

    async def named(one: Places, lane: Lane) -> None:
        await one.take(lane, FAR)
        order.append(lane)
        await asyncio.sleep(1)
        one.leave(lane)

    async def work() -> None:
        one = places(1, 1)
        assert one.try_take("live")
        waiting = [asyncio.create_task(named(one, lane)) for lane in ("bulk", "live", "live")]
        await asyncio.sleep(1)
        one.leave("live")
        await asyncio.gather(*waiting)

    run(work())
    assert order == ["live", "live", "bulk"]


async def shed(one: Places, until: float) -> tuple[float, str]:
    began = asyncio.get_running_loop().time()
    with pytest.raises(SourceFailure) as caught:
        await one.take("live", until)
    assert (caught.value.code, caught.value.failed_by) == (OutcomeCode.SHED, "us")
    return asyncio.get_running_loop().time() - began, caught.value.detail


def test_waits_no_longer_than_told() -> None:
    async def work() -> None:
        one = places(1, 1)
        assert one.try_take("live")
        assert await shed(one, 2.0) == (2.0, "no place free")
        assert (one.in_flight, one.waiting) == (1, 0)

    run(work())


def test_is_sent_away_at_the_door_when_the_queue_is_longer_than_that() -> None:
    async def work() -> None:
        one = places(1, 1)
        for _ in range(50):
            await call(one, "live", 1.0)  # so that it knows how long a call takes
        now = asyncio.get_running_loop().time()
        assert one.try_take("live")
        assert await shed(one, now + 0.75) == (0.0, "queue too long")
        queue = [asyncio.create_task(one.take("live", now + 100)) for _ in range(4)]
        await asyncio.sleep(0)
        assert await shed(one, now + 3.75) == (0.0, "queue too long")
        for task in queue:
            task.cancel()
        await asyncio.gather(*queue, return_exceptions=True)

    run(work())


def test_whoever_goes_away_leaves_no_place_behind() -> None:
    """Cancel waiting calls at random moments, among them the very moment in which a place is given."""
    chance = random.Random(3)

    async def work() -> None:
        one = places(2, 2)
        tasks: list[asyncio.Task[None]] = []
        for _ in range(2000):
            tasks.append(asyncio.create_task(call(one, chance.choice(["live", "bulk"]), chance.choice([0.0, 0.5, 1.0]))))
            await asyncio.sleep(chance.choice([0, 0, 0.25]))
            chance.choice(tasks[-10:]).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (one.in_flight, one.waiting) == (0, 0)
        assert one.try_take("live")

    run(work())


Step = tuple[bool, bool, float]


@given(
    most=st.integers(1, 64),
    first=st.integers(1, 64),
    steps=st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 3)), max_size=200),
)
def test_their_number_stays_between_two_and_the_contract(most: int, first: int, steps: list[Step]) -> None:
    one, now = places(most, first), 0.0
    for overloaded, full, pause in steps:
        began, now = now, now + pause
        taken = [one.try_take("live") for _ in range(one.limit if full else 1)]
        assert all(taken)
        assert min(2, most) <= one.limit <= most
        for _ in taken:
            one.give_back("live", began=began, now=now, overloaded=overloaded, good=not overloaded)
        assert min(2, most) <= one.limit <= most
    assert one.in_flight == 0


def rounds(one: Places, count: int, *, overloaded: bool) -> list[int]:
    """Fill all places and free them, so many times; return their number after each."""
    limits = []
    for n in range(count):
        taken = 0
        while one.try_take("live"):
            taken += 1
        for _ in range(taken):
            one.give_back("live", began=float(n), now=n + 0.5, overloaded=overloaded, good=not overloaded)
        limits.append(one.limit)
    return limits


def test_a_round_of_failures_takes_a_quarter_once() -> None:
    assert rounds(places(16, 16), 8, overloaded=True) == [12, 9, 6, 5, 3, 2, 2, 2]


def test_good_rounds_add_about_one_each_up_to_the_contract() -> None:
    one = places(16, 2)
    grown = rounds(one, 200, overloaded=False)
    assert all(0 <= after - before <= 1 for before, after in itertools.pairwise(grown))
    assert grown[-1] == 16


def test_places_that_are_not_needed_do_not_grow() -> None:
    one = places(16, 4)
    for n in range(100):
        assert one.try_take("live")
        one.give_back("live", began=float(n), now=n + 0.5, overloaded=False, good=True)
    assert one.limit == 4
