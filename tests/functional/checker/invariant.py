"""The invariants of a batch (reliability reference 5.3): each a function over the three ledgers, with its number and its words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.functional.checker.ledgers import Ledgers

Finds = Callable[[Ledgers], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Invariant:
    """One statement, and what finds where it does not hold."""

    number: str
    statement: str
    finds: Finds


HELD: list[Invariant] = []


def invariant(number: str, statement: str) -> Callable[[Finds], Finds]:
    """Hold batches to a function of the ledgers; what it yields are places where the statement does not hold."""

    def kept(finds: Finds) -> Finds:
        HELD.append(Invariant(number, statement, finds))
        return finds

    return kept
