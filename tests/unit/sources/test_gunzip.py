"""A gzip is read whole or not at all: no cut, no flipped bit, no appendix and no bomb is content."""

import gzip
import tracemalloc
import zlib
from contextlib import suppress

import pytest

from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.failures import SourceFailure
from verify_service.sources.gunzip import MOST_RATIO, gunzip

CONTENT = b'{"code":"0000","results":[' + b",".join(b'{"xh":"%d","count":0}' % n for n in range(40)) + b"]}"
WHOLE = gzip.compress(CONTENT)
LIMIT = 2_000_000


def outcome(raw: bytes, *, limit: int = LIMIT) -> OutcomeCode:
    with pytest.raises(SourceFailure) as failure:
        gunzip(raw, limit=limit)
    return failure.value.code


def test_a_whole_member_is_its_content() -> None:
    assert gunzip(WHOLE, limit=LIMIT) == CONTENT


def test_a_cut_at_any_byte_is_truncated() -> None:
    assert {outcome(WHOLE[:cut]) for cut in range(len(WHOLE))} == {OutcomeCode.TRUNCATED}


def test_a_flipped_bit_is_never_other_content() -> None:
    """In the header's time stamp, flags of no meaning and the name of the system a flip changes nothing; elsewhere it is refused."""
    read = []
    for place in range(len(WHOLE)):
        for bit in range(8):
            flipped = bytearray(WHOLE)
            flipped[place] ^= 1 << bit
            with suppress(SourceFailure):
                read.append(gunzip(bytes(flipped), limit=LIMIT))
    assert set(read) == {CONTENT}
    assert len(read) < 8 * 10


@pytest.mark.parametrize("appendix", [b"\x00", b"garbage", WHOLE], ids=["a byte", "garbage", "another member"])
def test_nothing_may_come_after_it(appendix: bytes) -> None:
    assert outcome(WHOLE + appendix) is OutcomeCode.ENCODING


def test_a_bare_deflate_is_not_a_gzip() -> None:
    assert outcome(zlib.compress(CONTENT)) is OutcomeCode.ENCODING


def test_more_than_the_limit_is_refused() -> None:
    noise = b"".join(b"%x" % (n * 2654435761 % 2**32) for n in range(20_000))
    assert outcome(gzip.compress(noise), limit=len(noise) - 1) is OutcomeCode.LIMIT
    assert gunzip(gzip.compress(noise), limit=len(noise)) == noise


def test_a_bomb_is_refused_before_it_expands() -> None:
    bomb = gzip.compress(bytes(200_000_000), compresslevel=9)
    tracemalloc.start()
    try:
        assert outcome(bomb, limit=64_000_000) is OutcomeCode.LIMIT
        assert tracemalloc.get_traced_memory()[1] < 2 * MOST_RATIO * len(bomb) + 1_000_000
    finally:
        tracemalloc.stop()


def test_a_ratio_that_no_answer_has_is_refused() -> None:
    assert outcome(gzip.compress(bytes(1_000_000), compresslevel=9)) is OutcomeCode.LIMIT
    assert gunzip(gzip.compress(bytes(60_000)), limit=LIMIT) == bytes(60_000)
