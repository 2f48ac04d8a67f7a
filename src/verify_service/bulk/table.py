"""Households out of lines of cells: the long form, whatever file the cells came from."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson

from verify_service.bulk.columns import KEY, Form, column_of, columns, is_of_person, required
from verify_service.bulk.household import Broken, Place, ReadHousehold
from verify_service.errors import InvalidInput, Violation

MOST_COLUMNS = 200
_MOST_LINES = 60  # a household has at most 30 members; more lines than this are no household
_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,3}", re.ASCII)
_YES_NO = {"true": True, "false": False}
_PERSON_PARTS = ("member", "consent", "legal_basis")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its cells by column, or the rule that it breaks as a whole."""

    number: int
    cells: Mapping[str, str] = field(repr=False)
    broken: Broken | None = None


class Table:
    """Knows the header, and joins lines with the same key. Raises InvalidInput for a header that is not one."""

    def __init__(self, header: Sequence[str]) -> None:
        self._header = list(header)
        _expect_header(self._header)
        self._whole = [name for name in header if not is_of_person(name)]
        self._lines: list[Line] = []

    def add(self, number: int, cells: Sequence[str] | None, *, rule: str = "cells") -> Iterator[ReadHousehold]:
        """Take a line; yield the household before it when a new one begins. None, or too many or few cells: the line breaks `rule`."""
        if cells is not None and not any(cells):
            return
        line = self._line(number, cells, rule)
        key = line.cells.get(KEY, "")
        if self._lines and key not in {"", self._lines[0].cells.get(KEY, "")}:
            yield from self.end()
        self._lines.append(line)
        if len(self._lines) > _MOST_LINES:
            del self._lines[_MOST_LINES:]

    def end(self) -> Iterator[ReadHousehold]:
        """Yield the household that is being joined."""
        if self._lines:
            lines, self._lines = self._lines, []
            yield _household(lines, self._whole)

    def _line(self, number: int, cells: Sequence[str] | None, rule: str) -> Line:
        known = {name: cell for name, cell in zip(self._header, cells or (), strict=False) if cell}
        if cells is None or len(cells) != len(self._header):
            return Line(number, known, Broken(number, "", rule))
        if KEY not in known:
            return Line(number, known, Broken(number, KEY, "required"))
        return Line(number, known)


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


def _household(lines: Sequence[Line], whole: Sequence[str]) -> ReadHousehold:
    first = lines[0]
    broken = [line.broken for line in lines if line.broken is not None]
    if len(lines) >= _MOST_LINES:
        broken.append(Broken(first.number, "", "too_many_lines"))
    if not broken:
        broken = _disagreements(lines, whole)
    request, places = _request(lines, whole, broken)
    body = None if broken else orjson.dumps(request)
    return ReadHousehold(first.number, body, broken, lambda pointer: _place(pointer, lines, places))


def _disagreements(lines: Sequence[Line], whole: Sequence[str]) -> list[Broken]:
    """Return where lines of one household say different things about all of it."""
    first = lines[0].cells
    return [Broken(line.number, name, "lines_disagree") for line in lines[1:] for name in whole if line.cells.get(name) != first.get(name)]


def _request(lines: Sequence[Line], whole: Sequence[str], broken: list[Broken]) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Return the request, and from which line each entry of its lists came; add what no cell of its kind can hold to `broken`."""
    request = _tree(lines[0], whole, broken)
    people = [_tree(line, [name for name in line.cells if is_of_person(name)], broken) for line in lines]
    places: dict[str, list[int]] = {part: [i for i, person in enumerate(people) if part in person] for part in _PERSON_PARTS}
    request.setdefault("household", {})["members"] = [person.get("member", {}) for person in people]
    for part, listed in (("consent", "consents"), ("legal_basis", "legal_bases")):
        if places[part]:
            request[listed] = [{**people[i][part], "member": people[i].get("member", {}).get("ref")} for i in places[part]]
    return request, places


def _tree(line: Line, names: Sequence[str], broken: list[Broken]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name in names:
        cell = line.cells.get(name)
        if cell is None:
            continue
        path, last = _steps(name)
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
        branch[last] = _value(line.number, name, cell, broken)
    return tree


@cache
def _steps(column: str) -> tuple[tuple[str, ...], str]:
    """Return the way to a column's field, and the field: cut once, not in every line."""
    *path, last = column.split(".")
    return tuple(path), last


def _value(number: int, name: str, cell: str, broken: list[Broken]) -> object:
    form = columns()[name]
    if form == "text" and not name.endswith("id_number"):
        return cell
    if form == "several":
        return cell.split(";")
    rule = _cell_rule(form, name, cell)
    if rule is not None:
        broken.append(Broken(number, name, rule))
        return None
    if form == "whole":
        return int(cell)
    return _YES_NO[cell] if form == "yes_no" else cell


def _cell_rule(form: Form, name: str, cell: str) -> str | None:
    """Return the rule that a cell breaks before anybody looks at what it says."""
    if form == "whole" and not _WHOLE.fullmatch(cell):
        return "whole_number"
    if form == "yes_no" and cell not in _YES_NO:
        return "true_or_false"
    return "scientific_notation" if name.endswith("id_number") and _SCIENTIFIC.fullmatch(cell) else None


def _place(pointer: str, lines: Sequence[Line], places: Mapping[str, Sequence[int]]) -> Place:
    """Return where a part of the request stands in the file."""
    entry, column = column_of(pointer)
    of_part = places.get(column.partition(".")[0], ())
    line = of_part[entry] if entry < len(of_part) else min(entry, len(lines) - 1)
    return lines[line].number, column
