import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from verify_service.errors import ConfigurationError
from verify_service.signing.keys import KeyDirectory, KeyRing, generate_key, load_keyring, rotate_keyring
from verify_service.signing.signer import sign
from verify_service.signing.verification import verify


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "var" / "keys"


@pytest.fixture
def stored(directory, now) -> KeyRing:
    return load_keyring(directory, now=now, create=True)


def pem_of(directory: Path) -> Path:
    (pem,) = directory.glob("*.pem")
    return pem


def test_the_first_start_makes_a_key_and_the_next_one_finds_it(directory, stored, now):
    again = load_keyring(directory, now=now + timedelta(days=1), create=True)
    assert again == stored
    assert again.active.created_at == now
    assert verify(sign({"a": 1}, again.active).jws, stored.jwks()).report == {"a": 1}


def test_without_leave_to_create_nothing_is_made(directory, tmp_path, now):
    with pytest.raises(ConfigurationError, match="no key directory"):
        load_keyring(directory, now=now, create=False)
    with pytest.raises(ConfigurationError, match="no signing key"):
        load_keyring(tmp_path, now=now, create=False)
    with pytest.raises(ConfigurationError, match="no signing key"):
        rotate_keyring(KeyDirectory(tmp_path), now=now)
    assert not any(tmp_path.iterdir())


def test_rotation_is_kept_and_the_old_private_key_is_not(directory, stored, now):
    rotated = rotate_keyring(KeyDirectory(directory), now=now + timedelta(days=90))
    assert load_keyring(directory, now=now, create=False) == rotated
    assert [key.kid for key in rotated.keys] == [rotated.active.kid, stored.active.kid]
    assert {path.name for path in directory.iterdir()} == {"index.json", f"{rotated.active.kid}.pem"}
    assert verify(sign({"a": 1}, stored.active).jws, rotated.jwks()).kid == stored.active.kid


def test_only_the_owner_can_read_the_files(directory, stored):
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert b"PRIVATE" not in (directory / "index.json").read_bytes()
    assert pem_of(directory).name == f"{stored.active.kid}.pem"


def test_processes_that_start_at_once_agree_on_one_key(directory, now):
    program = (
        "import sys, datetime, pathlib\n"
        "from verify_service.signing.keys import load_keyring\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"ring = load_keyring(pathlib.Path({str(directory)!r}), now=datetime.datetime.fromisoformat({now.isoformat()!r}), create=True)\n"
        "print(ring.active.kid)\n"
    )
    start = [sys.executable, "-c", program]
    processes = [subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    kids = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    assert kids == {pem_of(directory).stem}


class PowerCut(BaseException):
    """Not an Exception, so that nothing can mistake it for an error to deal with."""


def cut_before(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Cut the power before the step-th call that flushes, renames or deletes a file (0 is the first)."""
    done = 0

    def limited(call: Callable[..., object]) -> Callable[..., object]:
        def guard(*args: object, **kwargs: object) -> object:
            nonlocal done
            if done == step:
                raise PowerCut
            done += 1
            return call(*args, **kwargs)

        return guard

    for name in ("fsync", "replace", "unlink"):
        monkeypatch.setattr(os, name, limited(getattr(os, name)))


def steps_until_done(action, check) -> int:
    """Run the action with the power cut before each step in turn, and the check after each cut; return the number of cuts."""
    for step in range(100):
        with pytest.MonkeyPatch.context() as monkeypatch:
            cut_before(monkeypatch, step)
            try:
                action(step)
            except PowerCut:
                pass
            else:
                return step
        check(step)
    raise AssertionError("never done")


def test_a_power_cut_while_the_first_key_is_made_leaves_a_directory_that_opens(tmp_path, now):
    def first_start(step):
        load_keyring(tmp_path / str(step), now=now, create=True)

    def opens(step):
        kid = load_keyring(tmp_path / str(step), now=now, create=True).active.kid
        assert load_keyring(tmp_path / str(step), now=now, create=False).active.kid == kid
        assert pem_of(tmp_path / str(step)).stem == kid

    assert steps_until_done(first_start, opens) > 5


def test_a_power_cut_in_a_rotation_leaves_the_old_ring_or_the_new_one(tmp_path, directory, stored, now):
    lengths = []

    def rotation(step):
        shutil.copytree(directory, tmp_path / str(step))
        rotate_keyring(KeyDirectory(tmp_path / str(step)), now=now)

    def old_or_new(step):
        ring = load_keyring(tmp_path / str(step), now=now, create=False)
        assert ring.keys[-1].kid == stored.active.kid
        assert verify(sign({"a": 1}, ring.active).jws, ring.jwks()).kid == ring.active.kid
        lengths.append(len(ring.keys))

    assert steps_until_done(rotation, old_or_new) > 5
    assert lengths == sorted(lengths)
    assert set(lengths) == {1, 2}


def damage_index(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        index = json.loads((directory / "index.json").read_bytes())
        change(index)
        (directory / "index.json").write_text(json.dumps(index))

    return damage


def write_pem(content: bytes) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        pem_of(directory).write_bytes(content)

    return damage


def as_pem(private: ec.EllipticCurvePrivateKey | Ed25519PrivateKey, encryption: KeySerializationEncryption) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def replace_pem_by_directory(directory: Path) -> None:
    name = pem_of(directory)
    name.unlink()
    name.mkdir()


DAMAGE = {
    "index not JSON": lambda directory: (directory / "index.json").write_bytes(b'{"keys":'),
    "index empty": lambda directory: (directory / "index.json").write_bytes(b""),
    "index without keys": damage_index(lambda index: index["keys"].clear()),
    "index with another member": damage_index(lambda index: index["keys"][0].update(private="x")),
    "index with a naive time": damage_index(lambda index: index["keys"][0].update(created_at="2026-03-02T09:30:00")),
    "index with an unknown state": damage_index(lambda index: index["keys"][0].update(state="revoked")),
    "index says that no key is active": damage_index(lambda index: index["keys"][0].update(state="retired")),
    "index names a path": damage_index(lambda index: index["keys"][0].update(kid="../../etc/key")),
    "index with another x": damage_index(lambda index: index["keys"][0].update(x="A" * 43)),
    "index with padding in x": damage_index(lambda index: index["keys"][0].update(x=index["keys"][0]["x"] + "=")),
    "index lost": lambda directory: (directory / "index.json").unlink(),
    "key lost": lambda directory: pem_of(directory).unlink(),
    "key empty": write_pem(b""),
    "key cut short": lambda directory: pem_of(directory).write_bytes(pem_of(directory).read_bytes()[:60]),
    "key of another kind": write_pem(as_pem(ec.generate_private_key(ec.SECP256R1()), NoEncryption())),
    "key encrypted": write_pem(as_pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"word"))),
    "key is a directory": replace_pem_by_directory,
}


def contents(directory: Path) -> dict[str, bytes | None]:
    return {path.name: path.read_bytes() if path.is_file() else None for path in directory.iterdir()}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.usefixtures("stored")
def test_a_damaged_directory_stops_the_start_and_is_left_as_it_is(directory, damage, now):
    damage(directory)
    before = contents(directory)
    with pytest.raises(ConfigurationError) as caught:
        load_keyring(directory, now=now, create=True)
    assert contents(directory) == before
    assert "PRIVATE" not in str(caught.value)


def test_a_key_swapped_for_another_good_one_is_noticed(directory, stored, tmp_path, now):
    load_keyring(tmp_path / "other", now=now, create=True)
    shutil.copy(pem_of(tmp_path / "other"), pem_of(directory))
    with pytest.raises(ConfigurationError, match=f"{stored.active.kid}.pem holds another key"):
        load_keyring(directory, now=now, create=True)


def test_a_key_that_lives_elsewhere_cannot_be_written_to_a_file(directory, now):
    class Module:
        def sign(self, data: bytes, /) -> bytes:
            return data

    key = generate_key(now)
    object.__setattr__(key, "private", Module())
    with pytest.raises(ConfigurationError, match="cannot be kept in a file"):
        KeyDirectory(directory, create=True).save(KeyRing((key,)))
    assert not any(directory.iterdir())


def test_a_path_that_is_a_file_is_a_configuration_error(tmp_path, now):
    (tmp_path / "keys").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="keys: File exists"):
        load_keyring(tmp_path / "keys", now=now, create=True)
