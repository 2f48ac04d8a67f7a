"""The cells of a line as a part of a request: each column says where in the request its cell goes, and how it is read."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from operator import itemgetter
from typing import Any

from verify_service.bulk.columns import Form, columns
from verify_service.bulk.household import Broken

_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,3}", re.ASCII)
_YES_NO = {"true": True, "false": False}
Tree = dict[str, Any]
Cells = Sequence[str]


class _BrokenCell(ValueError):
    """The cell breaks a rule before anybody looks at what it says; the rule is its argument."""


def _whole(cell: str) -> int:
    if not _WHOLE.fullmatch(cell):
        raise _BrokenCell("whole_number")
    return int(cell)


def _yes_no(cell: str) -> bool:
    if cell not in _YES_NO:
        raise _BrokenCell("true_or_false")
    return _YES_NO[cell]


def _identity(cell: str) -> str:
    if _SCIENTIFIC.fullmatch(cell):
        raise _BrokenCell("scientific_notation")
    return cell


def _several(cell: str) -> list[str]:
    return cell.split(";")


_READ: Mapping[Form, Callable[[str], object]] = {"whole": _whole, "yes_no": _yes_no, "several": _several}


class Columns:
    """Some columns of a header, two at least. What can be known of a column is found once, not in every line."""

    def __init__(self, header: Sequence[str], names: Sequence[str]) -> None:
        self._names = names
        self._columns = [_column(name) for name in names]
        self.of: Callable[[Cells], tuple[str, ...]] = itemgetter(*map(header.index, names))

    def tree(self, number: int, cells: Cells, broken: list[Broken]) -> Tree:
        """Return the part of the request that a line's cells are; add what no cell of its kind can hold to `broken`."""
        tree: Tree = {}
        branches = {"": tree}
        own = self.of(cells)
        for (name, path, last, read), cell in zip(compress(self._columns, own), filter(None, own), strict=True):
            branch = branches.get(path)
            if branch is None:
                branch = branches[path] = _branch(tree, path)
            try:
                branch[last] = cell if read is None else read(cell)
            except _BrokenCell as error:
                broken.append(Broken(number, name, str(error)))
        return tree

    def differing(self, one: Cells, other: Cells) -> list[str]:
        """Return the columns in which two lines say different things."""
        ours, theirs = self.of(one), self.of(other)
        return [] if ours == theirs else [name for name, a, b in zip(self._names, ours, theirs, strict=True) if a != b]


def _column(name: str) -> tuple[str, str, str, Callable[[str], object] | None]:
    """Return a column, the way to its field, the field, and how a cell is read when it is not taken as it is."""
    path, _, last = name.rpartition(".")
    return name, path, last, _identity if name.endswith("id_number") else _READ.get(columns()[name])


def _branch(tree: Tree, path: str) -> Tree:
    for step in path.split("."):
        tree = tree.setdefault(step, {})
    return tree
