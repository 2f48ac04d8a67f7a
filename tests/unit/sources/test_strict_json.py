"""What parsers silently accept is refused by name."""

from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


_KEYS = st.text(alphabet='a":,', max_size=3)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=6) | st.sampled_from(["1.5", ":1.5", '",1e5']),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(_KEYS, inner), max_size=4),
    max_leaves=12,
)


def _written(value: object, *, spaced: bool) -> str:
    """Write a value compactly or with spaces; a list of pairs is an object, in which a key may come twice."""
    if isinstance(value, list) and value and all(isinstance(each, tuple) for each in value):
        colon, comma = (": ", ", ") if spaced else (":", ",")
        return "{" + comma.join(f"{_written(k, spaced=spaced)}{colon}{_written(v, spaced=spaced)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ("," if not spaced else " , ").join(_written(each, spaced=spaced) for each in value) + "]"
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else orjson.dumps(value).decode()


def _read(text: str) -> object:
    try:
        return loads(text.encode())
    except StrictJsonError as error:
        return error.rule


@given(_VALUES)
def test_a_compact_text_is_read_as_strictly_as_a_spaced_one(value: object) -> None:
    assert _read(_written(value, spaced=False)) == _read(_written(value, spaced=True))


@pytest.mark.parametrize("text", ["[0.5]", '{"a":-1.0}', "1.5", "[1,2e3]", '{"a":1E2}'])
def test_a_fraction_in_a_compact_text_is_never_a_float(text: str) -> None:
    read = _read(text)
    assert isinstance(list(read.values() if isinstance(read, dict) else read if isinstance(read, list) else [read])[-1], Decimal)
