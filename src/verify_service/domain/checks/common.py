"""Checks that several parts of a request share."""

from collections.abc import Collection, Iterator, Sequence

from verify_service.errors import Violation


def repeated(values: Sequence[object], pointer: str, rule: str) -> Iterator[Violation]:
    """Find the values that were given before; `pointer` has a place for the index."""
    if len(set(values)) == len(values):
        return
    seen: set[object] = set()
    for i, value in enumerate(values):
        if value in seen:
            yield Violation(pointer.format(i), rule, "given once only")
        seen.add(value)


def known(given: Sequence[str], values: Collection[str], pointer: str, rule: str, detail: str) -> Iterator[Violation]:
    """Find the values that are not among the known ones."""
    for i, value in enumerate(given):
        if value not in values:
            yield Violation(f"{pointer}/{i}", rule, detail)
