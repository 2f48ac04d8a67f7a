"""Holds three independent ledgers against each other: the registers' journals, the database, and what the client was told.

It asks the service nothing and imports nothing of it. Each invariant is a function of its own; `broken` names those that do
not hold for a batch.
"""

from tests.functional.checker import calls, facts, life, rows
from tests.functional.checker.invariant import HELD
from tests.functional.checker.ledgers import Ledgers, Receipts, read_ledgers

__all__ = ["HELD", "Ledgers", "Receipts", "broken", "calls", "facts", "life", "read_ledgers", "rows"]


def broken(ledgers: Ledgers) -> list[str]:
    """Return every place where an invariant does not hold, each beginning with the invariant's number."""
    return [f"{held.number}: {found}" for held in HELD for found in held.finds(ledgers)]


def numbers(found: list[str]) -> set[str]:
    """Return the numbers of the invariants that are broken."""
    return {line.partition(":")[0] for line in found}
