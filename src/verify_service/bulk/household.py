"""One household as a file gives it: its request as JSON, where its parts stand in the file, and what could not be read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Place = tuple[int, str]  # line of the file, and column or JSON pointer


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is broken before there is a request. Never the value."""

    line: int
    place: str
    rule: str


@dataclass(frozen=True, slots=True)
class ReadHousehold:
    """A household: `body` is its JSON request unless something is `broken`; `place_of` leads from JSON pointers back to the file.

    `is_strict` says that the JSON was written here, from cells, and holds nothing that strict JSON refuses.
    """

    line: int
    body: bytes | None = field(repr=False)
    broken: Sequence[Broken] = ()
    place_of: Callable[[str], Place] | None = field(default=None, repr=False)
    is_strict: bool = False

    def where(self, pointer: str) -> Place:
        """Return line and column, or line and pointer, of a place in the request."""
        return (self.line, pointer) if self.place_of is None else self.place_of(pointer)


class Reader(Protocol):
    """Reads one form of file as it streams in. Raises InvalidInput when the file as a whole cannot be read."""

    @property
    def is_whole(self) -> bool:
        """Say whether it reads nothing before the end; reading then takes long, and is done in a thread."""

    @property
    def encoding(self) -> str:
        """Return the encoding that was found, or `binary`."""

    def feed(self, data: bytes) -> Iterator[ReadHousehold]:
        """Take bytes; yield the households that end in them."""

    def end(self) -> Iterator[ReadHousehold]:
        """Yield the rest."""
