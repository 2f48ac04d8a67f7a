"""A kept JWS comes back byte for byte, and takes a fraction of the space."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify_service.signing import base64url
from verify_service.storage.packing import pack, unpack

HEADER, SIGNATURE = "eyJhbGciOiJFZERTQSJ9", "c2lnbmF0dXJl"


def jws(payload: bytes) -> bytes:
    return f"{HEADER}.{base64url.encode(payload)}.{SIGNATURE}".encode()


@given(st.binary(max_size=2000))
def test_comes_back(payload: bytes) -> None:
    assert unpack(pack(jws(payload))) == jws(payload)


@given(st.binary(max_size=2000))
def test_who_has_the_payload_gets_the_same(payload: bytes) -> None:
    assert pack(jws(payload), payload) == pack(jws(payload))


@given(st.binary(max_size=200).filter(lambda content: not content.startswith(b"\x01")))
def test_anything_comes_back(content: bytes) -> None:
    assert unpack(pack(content)) == content


@pytest.mark.parametrize(
    "odd", [b"a.b.c", b"a.Zh.c", b"a.Zg==.c", b"a.Z\ng.c", b"a.+w.c", b"a./w.c", b"a.Zm8\n.c", b"a\n.Zm8.c", b"e.Zm8", b"a.Zm8.c.d", b""]
)
def test_what_has_another_spelling_is_kept_as_it_is(odd: bytes) -> None:
    assert unpack(pack(odd)) == odd


def test_what_was_stored_before_is_read() -> None:
    assert unpack(jws(b"{}")) == jws(b"{}")


def test_takes_a_fraction() -> None:
    payload = b"".join(b'{"source":"vehicle","outcome":"answered.no_record","attempts":%d}' % n for n in range(200))
    assert len(pack(jws(payload))) * 5 < len(jws(payload))
