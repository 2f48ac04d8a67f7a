"""What parsers silently accept is refused by name."""

from decimal import Decimal

import pytest

from verify_service.sources.strict_json import MAX_DEPTH, StrictJsonError, loads

REFUSED = {
    "duplicate key": (b'{"a":1,"a":1}', "duplicate_key"),
    "duplicate key, nested": (b'[{"x":{"a":1,"\\u0061":2}}]', "duplicate_key"),
    "NaN": (b'{"a":NaN}', "syntax"),
    "Infinity": (b"[Infinity]", "syntax"),
    "number of 5,000 digits": (b"[" + b"9" * 5000 + b"]", "number_size"),
    "overflowing exponent": (b"[1e999]", "number_size"),
    "lone surrogate": (b'["\\ud800"]', "syntax"),
    "invalid UTF-8": (b'["\xff"]', "syntax"),
    "byte order mark": (b"\xef\xbb\xbf{}", "syntax"),
    "UTF-16": ("{}".encode("utf-16"), "syntax"),
    "trailing data": (b"{} {}", "syntax"),
    "empty": (b"", "syntax"),
    "depth 33": (b"[" * 33 + b"]" * 33, "depth"),
    "depth 1,000": (b"[" * 1000 + b"]" * 1000, "depth"),
    "depth 100,000": (b"[" * 100_000 + b"]" * 100_000, "depth"),
    "depth 10,000 of objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "depth"),
}


@pytest.mark.parametrize(("text", "rule"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(text: bytes, rule: str) -> None:
    with pytest.raises(StrictJsonError) as refusal:
        loads(text)
    assert refusal.value.rule == rule


def test_fractions_stay_exact_and_width_is_not_depth() -> None:
    assert loads(b'{"a":0.1,"b":[1,2]}') == {"a": Decimal("0.1"), "b": [1, 2]}
    assert len(loads(b"[" + b"[1]," * 500 + b"[1]]")) == 501
    assert loads(b"[" * 32 + b"]" * 32) is not None


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":[', b"]}]")])
def test_the_deepest_nesting_that_is_allowed(opening: bytes, closing: bytes) -> None:
    levels = sum(opening.count(mark) for mark in (b"[", b"{"))
    deep = MAX_DEPTH // levels * levels
    loads(opening * (deep // levels) + b"1" + closing * (deep // levels), max_depth=deep)
    with pytest.raises(StrictJsonError) as caught:
        loads(opening * (deep // levels) + b"1" + closing * (deep // levels), max_depth=deep - 1)
    assert caught.value.rule == "depth"
