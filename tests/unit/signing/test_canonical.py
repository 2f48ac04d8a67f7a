from enum import StrEnum
from types import MappingProxyType

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from verify_service.signing.canonical import NoCanonicalForm, canonical_bytes, sha256_hex

LARGEST = 2**53 - 1
leaves = st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text()
trees = st.dictionaries(
    st.text(),
    st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20),
)
ascii_trees = st.dictionaries(st.text(st.characters(max_codepoint=127)), st.lists(leaves) | leaves)


class Colour(StrEnum):
    RED = "red"


@settings(deadline=None)
@given(trees | ascii_trees)
def test_equals_the_reference_implementation(tree):
    assert canonical_bytes(tree) == rfc8785.dumps(tree)


def test_equals_the_reference_implementation_on_a_real_report(report):
    assert canonical_bytes(report) == rfc8785.dumps(report)


def test_keys_are_ordered_by_utf16_code_units_at_every_depth():
    # U+1F602 starts with the unit D83D, before U+FB33; in UTF-8 and by code point it comes after
    tree = {"list": [{"\ufb33": 1, "\U0001f602": 2}]}
    assert canonical_bytes(tree) == '{"list":[{"\U0001f602":2,"\ufb33":1}]}'.encode()


def test_any_mapping_and_tuples_are_written_as_objects_and_arrays():
    assert canonical_bytes(MappingProxyType({"b": (1, 2), "a": ()})) == b'{"a":[],"b":[1,2]}'


def nested(depth: int) -> object:
    return [] if depth == 0 else [nested(depth - 1)]


def circular() -> object:
    inner: list[object] = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        float("inf"),
        LARGEST + 1,
        -LARGEST - 1,
        2**70,
        "\ud800",
        {"\udfff": 1},
        {"中": {"\udfff": 1}},
        {1: 1},
        {None: 1},
        {Colour.RED: 1},
        Colour.RED,
        b"bytes",
        {1, 2},
        nested(300),
        circular(),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("place", [lambda value: {"a": value}, lambda value: {"a": [{"b": [value]}]}], ids=["top", "deep"])
def test_what_has_no_canonical_form_is_refused(value, place):
    with pytest.raises(NoCanonicalForm):
        canonical_bytes(place(value))


@pytest.mark.parametrize("value", [12345.678, LARGEST + 99, "990101197905120019\ud800", {"990101197905120019": 0.5}])
def test_the_error_says_no_value(value):
    with pytest.raises(NoCanonicalForm) as caught:
        canonical_bytes({"a": value})
    assert "has no canonical form" in str(caught.value)
    assert not any(secret in repr(caught.value) + str(caught.value) for secret in ("12345", str(LARGEST + 99), "99010119"))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_sha256_is_in_lower_case_hex():
    # FIPS 180-4, the message "abc"
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
