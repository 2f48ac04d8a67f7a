"""Damage done to bytes, seeded: what wires, proxies, disks and broken programs do to a message."""

import random
from collections.abc import Callable

STRAY = (b"\xef\xbb\xbf", b"\0", b"\r\n", b"null", b"[]", b"{}", b"NaN", b"<a/>", b"1", b"\xff", b"-", b"e9", "０".encode())
Mutation = Callable[[bytes, random.Random], bytes]


def _place(body: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(body))
    return start, min(len(body), start + chance.choice((1, 2, 8, 64, 512)))


def cut(body: bytes, chance: random.Random) -> bytes:
    """Lose the end."""
    return body[: chance.randrange(len(body))]


def flip(body: bytes, chance: random.Random) -> bytes:
    """Turn one bit over."""
    at = chance.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << chance.randrange(8)]) + body[at + 1 :]


def overwrite(body: bytes, chance: random.Random) -> bytes:
    """Write zeros, blanks, structure or digits over a stretch."""
    start, end = _place(body, chance)
    return body[:start] + chance.choice((b"\0", b" ", b'"', b"<", b",", b"}", b"0", b"9")) * (end - start) + body[end:]


def lose(body: bytes, chance: random.Random) -> bytes:
    """Lose a stretch in the middle."""
    start, end = _place(body, chance)
    return body[:start] + body[end:]


def repeat(body: bytes, chance: random.Random) -> bytes:
    """Send a stretch twice."""
    start, end = _place(body, chance)
    return body[:end] + body[start:]


def insert(body: bytes, chance: random.Random) -> bytes:
    """Send something that was not there."""
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice(STRAY) + body[at:]


def exchange(body: bytes, chance: random.Random) -> bytes:
    """Swap two stretches."""
    first, second = sorted(_place(body, chance) for _ in range(2))
    if first[1] > second[0]:
        return cut(body, chance)
    return body[: first[0]] + body[slice(*second)] + body[first[1] : second[0]] + body[slice(*first)] + body[second[1] :]


MUTATIONS: tuple[Mutation, ...] = (cut, flip, overwrite, lose, repeat, insert, exchange)


def damaged(body: bytes, chance: random.Random) -> bytes:
    """Return the body with one to three mutations; never the body itself."""
    found = body
    while found == body:
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            found = chance.choice(MUTATIONS)(found, chance) if found else b"\0"
    return found
