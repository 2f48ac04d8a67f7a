"""Sealed fields and the key file."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from verify_service.errors import ConfigurationError
from verify_service.storage.encryption import FieldCipher, Place, load_cipher, new_cipher
from verify_service.storage.errors import DamagedField

PLACE = Place("reports", "sealed_jws", "v-1", "r-1")
KEY, OTHER_KEY, INDEX_KEY = (bytes([n]) * 32 for n in (1, 2, 3))


def cipher(current: int = 1, **keys: bytes) -> FieldCipher:
    return FieldCipher({1: KEY, **{int(name[1:]): key for name, key in keys.items()}}, current=current, index_key=INDEX_KEY)


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 1000])
def test_what_is_sealed_opens(content: bytes) -> None:
    field = cipher().seal(PLACE, content)
    assert cipher().open(PLACE, field) == content
    assert len(field) == len(content) + 30  # version, key number, nonce, tag


def test_same_content_never_looks_the_same() -> None:
    assert len({cipher().seal(PLACE, b"x") for _ in range(100)}) == 100


@pytest.mark.parametrize("part", ["table", "column", "scope", "row"])
def test_field_opens_only_at_its_place(part: str) -> None:
    field = cipher().seal(PLACE, b"x")
    with pytest.raises(DamagedField):
        cipher().open(replace(PLACE, **{part: "elsewhere"}), field)


def test_one_flipped_bit_anywhere_does_not_open() -> None:
    field = cipher().seal(PLACE, b"content")
    for position in range(len(field)):
        damaged = bytearray(field)
        damaged[position] ^= 1
        with pytest.raises(DamagedField):
            cipher(k2=OTHER_KEY).open(PLACE, bytes(damaged))


def test_every_cut_does_not_open() -> None:
    field = cipher().seal(PLACE, b"content")
    for length in range(len(field)):
        with pytest.raises(DamagedField):
            cipher().open(PLACE, field[:length])


def test_old_fields_open_after_a_new_key_becomes_current() -> None:
    old = cipher().seal(PLACE, b"x")
    rotated = cipher(current=2, k2=OTHER_KEY)
    assert rotated.open(PLACE, old) == b"x"
    with pytest.raises(DamagedField):
        cipher().open(PLACE, rotated.seal(PLACE, b"x"))


def test_many_scopes_do_not_confuse_the_kept_keys() -> None:
    one = cipher()
    places = [replace(PLACE, scope=f"v-{n}") for n in range(3000)]
    fields = [one.seal(place, place.scope.encode()) for place in places]
    assert [one.open(place, field) for place, field in zip(places, fields, strict=True)] == [p.scope.encode() for p in places]


def test_blind_index_is_stable_per_tenant_and_key() -> None:
    assert cipher().blind("a", "1") == cipher(current=2, k2=OTHER_KEY).blind("a", "1")
    assert len({cipher().blind("a", "1"), cipher().blind("b", "1"), cipher().blind("a", "2"), new_cipher().blind("a", "1")}) == 4


def test_no_key_is_shown() -> None:
    shown = repr(cipher(k2=OTHER_KEY))
    assert shown == "FieldCipher(current=1, keys=[1, 2])"


@pytest.mark.parametrize(
    ("keys", "current", "index_key"),
    [({}, 1, KEY), ({1: b"short"}, 1, KEY), ({1: KEY}, 2, KEY), ({1: KEY}, 1, b""), ({0: KEY}, 0, KEY), ({256: KEY}, 256, KEY)],
)
def test_unusable_keys_are_refused(keys: dict[int, bytes], current: int, index_key: bytes) -> None:
    with pytest.raises(ConfigurationError):
        FieldCipher(keys, current=current, index_key=index_key)


def test_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "field.key"
    field = load_cipher(path, create=True).seal(PLACE, b"x")
    assert load_cipher(path, create=True).open(PLACE, field) == b"x"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["field.key"]


def test_processes_that_start_together_end_with_one_key(tmp_path: Path) -> None:
    path = tmp_path / "field.key"
    with ThreadPoolExecutor(8) as pool:
        ciphers = list(pool.map(lambda _: load_cipher(path, create=True), range(8)))
    assert {c.blind("t", "x") for c in ciphers} == {ciphers[0].blind("t", "x")}
    assert [p.name for p in tmp_path.iterdir()] == ["field.key"]


def test_missing_key_file_is_not_made_without_leave(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        load_cipher(tmp_path / "field.key", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o601])
def test_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "field.key"
    load_cipher(path, create=True)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="others"):
        load_cipher(path, create=True)


_GOOD = b64encode(KEY).decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        orjson.dumps({"current": 1, "keys": [_GOOD], "index": _GOOD}),
        orjson.dumps({"current": 1, "keys": {"one": _GOOD}, "index": _GOOD}),
        orjson.dumps({"current": 1, "keys": {"1": "!!"}, "index": _GOOD}),
        orjson.dumps({"current": 1, "keys": {"1": 7}, "index": _GOOD}),
    ],
)
def test_unreadable_key_file_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "field.key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_cipher(path, create=True)
    assert _GOOD not in str(caught.value)
    assert path.stat().st_size == len(content)
