"""What a process made at its start is no longer looked at by collections, and these are few."""

import gc
from collections.abc import Iterator

import pytest

from verify_service.process import lay_aside


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Give the collector of this process its own ways back."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_was_made_at_the_start_is_out_of_every_later_collection() -> None:
    early: list[object] = [[]]
    before = gc.get_freeze_count()
    lay_aside()
    assert gc.get_freeze_count() > before
    assert not any(each is early for each in gc.get_objects())


def test_what_a_few_households_make_is_not_looked_through_while_they_live() -> None:
    lay_aside()
    seen: list[str] = []
    gc.callbacks.append(lambda phase, _: seen.append(phase))
    try:
        kept = [[n] for n in range(50_000)]
        assert (len(kept), seen) == (50_000, [])
    finally:
        gc.callbacks.pop()


def test_a_cycle_that_is_left_behind_is_still_found() -> None:
    lay_aside()
    for _ in range(200_000):
        cycle: list[object] = []
        cycle.append(cycle)
    assert gc.get_count()[0] < 200_000
