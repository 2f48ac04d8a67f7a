"""Compare two report bodies: a pure function of both, in the canonical order of a report. The same body twice gives no change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from verify_service.domain.difference import (
    FORMAT,
    CellChange,
    Change,
    Changes,
    Difference,
    FindingChange,
    FindingChanges,
    FindingRef,
    ItemChange,
    LineChange,
    PlaceChange,
)

Tree = Mapping[str, Any]
_FIGURED = ("income", "property", "expenditure")
# By which field the entries of a list are called; where there is none, or it does not tell them apart, by their number.
_NAMES = ("member", "income_class", "kind", "code", "key")
_CELL_FIELDS = ("outcome", "as_of", "records")
_FINDING_FIELDS = ("state", "measured", "line")


def difference(before: Tree, after: Tree) -> Difference:
    """Say what a report version changed in the one that it replaces."""
    header = after["header"]
    return {
        "format": FORMAT,
        "report_id": header["report_id"],
        "version": header["version"],
        "replaces": header["replaces"],
        "reason": header["reason"],
        "changes": changes(before, after),
    }


def changes(before: Tree, after: Tree) -> Changes:
    """Return what changed in what is said; numbers, times and names of the issue are no change."""
    return {
        "state": _change(before["header"]["state"], after["header"]["state"]),
        "usable_for": _change(before["header"]["usable_for"], after["header"]["usable_for"]),
        "policy": _change(before["policy"]["version"], after["policy"]["version"]),
        "gaps": _change(before["gaps"], after["gaps"]),
        "cells": [_cell(*pair) for pair in _pairs(before["coverage"], after["coverage"], _place_of) if _differ(*pair, _CELL_FIELDS)],
        "figures": _places(before, after, _figures),
        "declared": _places(before, after, _declared),
        "items": list(_items(before["property"], after["property"])),
        "lines": [_line(*pair) for pair in _pairs(before["lines"], after["lines"], _code_of) if pair[0] != pair[1]],
        "findings": _findings(before["findings"], after["findings"]),
    }


def _change(before: Any, after: Any) -> Change:
    return {"from": before, "to": after}


def _place_of(cell: Tree) -> tuple[str, str]:
    return cell["member"], cell["source"]


def _code_of(line: Tree) -> str:
    code: str = line["code"]
    return code


def _pairs(before: Sequence[Tree], after: Sequence[Tree], name: Callable[[Tree], Any]) -> Iterator[tuple[Tree, Tree]]:
    """Pair entries of the same name, those of `after` first; an empty mapping stands for one that is not there."""
    former, latter = {name(entry): entry for entry in before}, {name(entry): entry for entry in after}
    for key in latter | former:
        yield former.get(key, {}), latter.get(key, {})


def _differ(before: Tree, after: Tree, fields: Sequence[str]) -> bool:
    return any(before.get(field) != after.get(field) for field in fields)


def _cell(before: Tree, after: Tree) -> CellChange:
    cell = after or before
    outcome, as_of, records = (_change(before.get(field), after.get(field)) for field in _CELL_FIELDS)
    return {"member": cell["member"], "source": cell["source"], "outcome": outcome, "as_of": as_of, "records": records}


def _line(before: Tree, after: Tree) -> LineChange:
    return {"code": _code_of(after or before), "from": dict(before) or None, "to": dict(after) or None}


def _places(before: Tree, after: Tree, find: Callable[[Any, str], Iterator[tuple[str, Any]]]) -> list[PlaceChange]:
    former, latter = ({place: value for s in _FIGURED for place, value in find(tree[s], f"/{s}")} for tree in (before, after))
    return [
        {"place": place, "from": former.get(place), "to": latter.get(place)}
        for place in latter | former
        if former.get(place) != latter.get(place)
    ]


def _figures(node: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Find every measure: what says which answers are missing for it."""
    if isinstance(node, Mapping) and "missing" in node and "complete" in node:
        yield at, node
        return
    for name, child in _children(node):
        yield from _figures(child, f"{at}/{name}")


def _declared(node: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Find everything that is said to be declared, down to single facts."""
    for name, child in _children(node):
        if name == "declared" and isinstance(child, Mapping):
            yield from _facts(child, f"{at}/{name}")
        elif name.startswith("declared") and not isinstance(child, Mapping):
            yield f"{at}/{name}", child
        else:
            yield from _declared(child, f"{at}/{name}")


def _facts(node: Mapping[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    for name, child in node.items():
        if isinstance(child, Mapping):
            yield from _facts(child, f"{at}/{name}")
        else:
            yield f"{at}/{name}", child


def _children(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        yield from node.items()
    elif isinstance(node, list):
        names = [_name(entry) for entry in node]
        distinct = None not in names and len(set(names)) == len(names)
        yield from ((str(name) if distinct else str(i), entry) for i, (name, entry) in enumerate(zip(names, node, strict=True)))


def _name(entry: Any) -> Any:
    return next((entry[field] for field in _NAMES if field in entry), None) if isinstance(entry, Mapping) else None


def _items(before: Tree, after: Tree) -> Iterator[ItemChange]:
    """Compare assets by key: listed or not, counted or not, and everything else that stands in them but where it was read."""
    former, latter = dict(_listed(before)), dict(_listed(after))
    for section, key in latter | former:
        old, new = former.get((section, key), {}), latter.get((section, key), {})
        if _content(old) != _content(new):
            yield {"section": section, "key": key, "from": old.get("counted"), "to": new.get("counted")}


def _listed(section: Tree) -> Iterator[tuple[tuple[str, str], Tree]]:
    further = {entry["kind"]: entry["items"] for entry in section.get("further", [])}
    for name, items in {**section, **further}.items():
        if isinstance(items, list) and name != "further":
            yield from (((name, item["key"]), item) for item in items)


def _content(item: Tree) -> Any:
    return {name: [line["record"] for line in value] if name == "records" else value for name, value in item.items()}


def _findings(before: Sequence[Tree], after: Sequence[Tree]) -> FindingChanges:
    pairs = list(_pairs(before, after, lambda finding: finding["id"]))
    return {
        "added": [_ref(new) for old, new in pairs if not old],
        "removed": [_ref(old) for old, new in pairs if not new],
        "changed": [_finding(old, new) for old, new in pairs if old and new and _differ(old, new, _FINDING_FIELDS)],
    }


def _ref(finding: Tree) -> FindingRef:
    return {name: finding[name] for name in FindingRef.__annotations__}  # type: ignore[return-value]


def _finding(before: Tree, after: Tree) -> FindingChange:
    state, measured, line = (_change(before[field], after[field]) for field in _FINDING_FIELDS)
    return {**_ref(after), "state": state, "measured": measured, "line": line}
