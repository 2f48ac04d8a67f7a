"""Households out of lines of cells: the long form, whatever file the cells came from."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from verify_service.bulk.columns import KEY, column_of, columns, is_of_person, required
from verify_service.bulk.household import Broken, Place, ReadHousehold
from verify_service.bulk.tree import Cells, Columns, Tree
from verify_service.errors import InvalidInput, Violation

MOST_COLUMNS = 200
_MOST_LINES = 60  # a household has at most 30 members; more lines than this are no household
_PERSON_PARTS = ("member", "consent", "legal_basis")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a cell for each column, and the rule that it breaks as a whole."""

    number: int
    cells: Cells = field(repr=False)
    broken: Broken | None = None


class Table:
    """Knows the header, and joins lines with the same key. Raises InvalidInput for a header that is not one."""

    def __init__(self, header: Sequence[str]) -> None:
        _expect_header(header)
        self._width = len(header)
        self._key = header.index(KEY)
        self._whole = Columns(header, [name for name in header if not is_of_person(name)])
        self._person = Columns(header, [name for name in header if is_of_person(name)])
        self._lines: list[Line] = []

    def add(self, number: int, cells: Cells | None, *, rule: str = "cells") -> Iterator[ReadHousehold]:
        """Take a line; yield the household before it when a new one begins. None, or too many or few cells: the line breaks `rule`."""
        if cells is not None and not any(cells):
            return
        line = self._line(number, cells, rule)
        key = line.cells[self._key]
        if self._lines and key and key != self._lines[0].cells[self._key]:
            yield from self.end()
        self._lines.append(line)
        if len(self._lines) > _MOST_LINES:
            del self._lines[_MOST_LINES:]

    def end(self) -> Iterator[ReadHousehold]:
        """Yield the household that is being joined."""
        if self._lines:
            lines, self._lines = self._lines, []
            yield self._household(lines)

    def _line(self, number: int, cells: Cells | None, rule: str) -> Line:
        if cells is None or len(cells) != self._width:
            filled = [*(cells or ()), *[""] * self._width][: self._width]
            return Line(number, filled, Broken(number, "", rule))
        return Line(number, cells, None if cells[self._key] else Broken(number, KEY, "required"))

    def _household(self, lines: Sequence[Line]) -> ReadHousehold:
        first = lines[0]
        broken = [line.broken for line in lines if line.broken is not None]
        if len(lines) >= _MOST_LINES:
            broken.append(Broken(first.number, "", "too_many_lines"))
        if not broken:
            broken = [
                Broken(line.number, name, "lines_disagree") for line in lines[1:] for name in self._whole.differing(first.cells, line.cells)
            ]
        whole = self._whole.tree(first.number, first.cells, broken)
        people = [self._person.tree(line.number, line.cells, broken) for line in lines]
        places = {part: [i for i, person in enumerate(people) if part in person] for part in _PERSON_PARTS}
        body = None if broken else orjson.dumps(_request(whole, people, places))
        return ReadHousehold(first.number, body, broken, lambda pointer: _place(pointer, lines, places), is_strict=True)


def _expect_header(header: Sequence[str]) -> None:
    if len(header) > MOST_COLUMNS:
        raise InvalidInput.at("", "too_many_columns", f"at most {MOST_COLUMNS} columns")
    unknown = [i for i, name in enumerate(header, 1) if name not in columns()]
    repeated = [name for name, times in Counter(header).items() if times > 1 and name in columns()]
    missing = sorted(required() - set(header))
    broken = [Violation("", "unknown_column", f"column {i} of the first line is not one of the template") for i in unknown]
    broken += [Violation("", "repeated_column", f"column {name} comes twice") for name in repeated]
    broken += [Violation("", "missing_column", f"column {name} is missing") for name in missing]
    if broken:
        raise InvalidInput(broken)


def _request(request: Tree, people: Sequence[Tree], places: Mapping[str, Sequence[int]]) -> Tree:
    """Put each person's part where the request lists it; `places` says who has which part."""
    request.setdefault("household", {})["members"] = [person.get("member", {}) for person in people]
    for part, listed in (("consent", "consents"), ("legal_basis", "legal_bases")):
        if places[part]:
            request[listed] = [{**people[i][part], "member": people[i].get("member", {}).get("ref")} for i in places[part]]
    return request


def _place(pointer: str, lines: Sequence[Line], places: Mapping[str, Sequence[int]]) -> Place:
    """Return where a part of the request stands in the file."""
    entry, column = column_of(pointer)
    of_part = places.get(column.partition(".")[0], ())
    line = of_part[entry] if entry < len(of_part) else min(entry, len(lines) - 1)
    return lines[line].number, column
