"""Twelve shapes of outage, short: no answer that arrived whole is lost, nothing else is taken for an answer.

What comes through and at how many calls is printed by `python -m bench.outages`.
"""

import pytest

from bench.outages.run import run
from bench.outages.shapes import SHAPES

NOTHING_COMES_THROUGH = {"dead", "drip"}


@pytest.mark.parametrize("shape", SHAPES)
async def test_nothing_whole_is_lost_and_nothing_else_is_a_fact(shape: str) -> None:
    result = await run(shape, seconds=2, rate=15, seed=7)
    assert result.asked > 20
    assert (result.lost, result.misread) == (0, 0)
    assert (result.answered == 0) is (shape in NOTHING_COMES_THROUGH)
    if shape != "correlated":
        assert result.other_answered == result.other_asked, "the register beside it suffered"
