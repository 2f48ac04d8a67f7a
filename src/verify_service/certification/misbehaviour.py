"""What a misbehaving endpoint does to the answers that speak of one person, told apart from how it is put on the wire."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["none", "swap", "replay", "cut", "shorten", "replace", "hang", "drip", "busy"]
HTML = b"<html><body>Please sign in</body></html>"


@dataclass(frozen=True, slots=True)
class Sent:
    """One answer as it goes over the wire."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(slots=True)
class Misbehaviour:
    """One way to misbehave, and what was seen of it. Only answers in which `marker` stands are touched.

    swap: `other` in its place. replay: `recorded` answers in the place of true ones, in order. cut: a share of the body,
    although all was declared. shorten: a share of the body, declared as such. replace: `recorded` bodies, 200. hang, drip:
    never to the end. busy: 429 with `retry_after` for the first `times` requests, whatever they ask; of a database, SQLSTATE
    53400 in the place of its first `times` answers.
    """

    kind: Kind
    marker: bytes = field(default=b"", repr=False)
    other: bytes = field(default=b"", repr=False)
    share: float = 0.5
    recorded: list[Sent] = field(default_factory=list, repr=False)
    retry_after: int = 1
    times: int = 0
    touched: int = 0
    arrivals: list[float] = field(default_factory=list)
    seen: list[Sent] = field(default_factory=list, repr=False)

    def concerns(self, body: bytes) -> bool:
        """Say whether an answer speaks of the person."""
        return bool(self.marker) and self.marker in body

    def changed(self, sent: Sent) -> Sent:
        """Return what goes back in the place of an answer, and count that it was touched."""
        if self.kind == "none" or not self.concerns(sent.body):
            return sent
        self.touched += 1
        if self.kind == "swap":
            return Sent(sent.status, sent.headers, sent.body.replace(self.marker, self.other))
        if self.kind in {"replay", "replace"} and self.recorded:
            return self.recorded[min(self.touched, len(self.recorded)) - 1]
        if self.kind == "shorten":
            return Sent(sent.status, sent.headers, self.part(sent.body))
        return sent

    def part(self, body: bytes) -> bytes:
        """Return the share of a body that is still sent."""
        return body[: min(len(body) - 1, int(len(body) * self.share))]

    def pieces(self, body: bytes) -> Iterator[bytes]:
        """Return what is sent of a body that was declared whole: drops, or one part."""
        if self.kind == "drip":
            yield from (body[place : place + 1] for place in range(len(body)))
        else:
            yield self.part(body)
