"""Randomness that is a pure function of its key: the same key gives the same draws on every machine and in any order."""

from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_POOL_LOW = 1 << 64


class DigestStream:
    """Integers drawn from BLAKE2b digests of (key, turn).

    A digest is one large number; a draw below n is its remainder by n, and the quotient is kept for the next draw. The bias
    stays under n / 2**64. Every fact draws from a stream of its own, so a new kind of fact leaves the others as they were.
    """

    __slots__ = ("_key", "_pool", "_turn")

    def __init__(self, *key: str | int) -> None:
        """Take a key of parts without `|`."""
        self._key = "|".join(map(str, key)).encode()
        self._pool = 0
        self._turn = 0

    def below(self, bound: int) -> int:
        """Return an integer from 0 to bound - 1."""
        if self._pool < _POOL_LOW:
            digest = blake2b(self._key, salt=self._turn.to_bytes(16, "big")).digest()
            self._pool = int.from_bytes(digest, "big")
            self._turn += 1
        self._pool, value = divmod(self._pool, bound)
        return value

    def between(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return low + self.below(high - low + 1)

    def happens(self, times: int, out_of: int = 10_000) -> bool:
        """Return whether an event of chance times / out_of happens."""
        return self.below(out_of) < times

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items, each as likely as the others."""
        return items[self.below(len(items))]

    def text(self, alphabet: str, length: int) -> str:
        """Return a word over an alphabet."""
        return "".join([alphabet[self.below(len(alphabet))] for _ in range(length)])

    def digits(self, length: int) -> str:
        """Return decimal digits."""
        return f"{self.below(10**length):0{length}d}"

    def day_before(self, day: date, fewest: int, most: int) -> date:
        """Return a day from fewest to most days before a day."""
        return day - timedelta(days=self.between(fewest, most))


def spread(*weighted: tuple[int, T]) -> tuple[T, ...]:
    """Return a table to pick from in which each item stands as often as its weight says."""
    return tuple(item for weight, item in weighted for _ in range(weight))
