"""Households as CSV, long form: one line per member. A column is called after the field's path in the JSON request.

`client_reference` is the household's key: lines with the same one belong together, and what concerns the whole household
stands the same in each of them. An empty cell is a field left out. A line carries the member's one consent. Several values
in a cell are separated by semicolons. Encoding is UTF-8.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.csv_lines import csv_lines

_STAFF = ("staff_id", "name")
HOUSEHOLD = (
    *("client_reference", "purpose", "trigger", "region", "commission.number", "commission.organisation", "commission.region"),
    *(f"commission.{officer}.{field}" for officer in ("handler", "reviewer") for field in _STAFF),
    *("income_period.first", "income_period.last", "asset_as_of", "household.hukou", "household.address"),
    *("household.declared_assets.vehicles", "household.declared_assets.further_fen.deposit"),
)
MEMBER = (
    *("member.ref", "member.id_number", "member.name", "member.role", "member.relation", "member.occupation", "member.student"),
    *("member.declared_income.wage_fen", "member.declared_income.transfer_fen"),
)
CONSENT = (
    *("consent.number", "consent.form_version", "consent.signed_on", "consent.signature_mode", "consent.valid_from"),
    *("consent.valid_rule", "consent.valid_until", "consent.purposes", "consent.sources", "consent.covers_monitoring"),
    *(f"consent.guardian.{field}" for field in ("id_number", "name", "relation", "basis")),
)
COLUMNS = (*HOUSEHOLD, *MEMBER, *CONSENT)
_WHOLE_NUMBERS = {column for column in COLUMNS if column.endswith(("_fen", ".vehicles", ".deposit"))}
_YES_OR_NO = {"member.student", "consent.covers_monitoring"}
_SEVERAL = {"consent.purposes", "consent.sources"}


def write_csv(requests: Iterable[Mapping[str, Any]]) -> str:
    """Return the file. Raises ValueError for a field that has no column, since it would be lost."""
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    lines.writeheader()
    for request in requests:
        lines.writerows(csv_lines(request))
    return text.getvalue()


def read_csv(text: str) -> list[dict[str, Any]]:
    """Return the requests in the order of their first lines. Raises ValueError for another header or lines that disagree."""
    lines = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(lines.fieldnames or ()) != COLUMNS:
        raise ValueError("header")
    households: dict[str, list[dict[str, str]]] = {}
    for line in lines:
        households.setdefault(line["client_reference"], []).append(line)
    return [_request(group) for group in households.values()]


def _request(group: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    wholes, members, consents = ([_tree(line, columns) for line in group] for columns in (HOUSEHOLD, MEMBER, CONSENT))
    if any(whole != wholes[0] for whole in wholes):
        raise ValueError("lines of one household disagree")
    request = wholes[0]
    request["household"]["members"] = [line["member"] for line in members]
    pairs = zip(members, consents, strict=True)
    request["consents"] = [{**consent["consent"], "member": line["member"]["ref"]} for line, consent in pairs]
    return request


def _tree(line: Mapping[str, str], columns: Iterable[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for column in columns:
        if line[column] == "":
            continue
        *path, last = column.split(".")
        branch = tree
        for step in path:
            branch = branch.setdefault(step, {})
        branch[last] = _value(column, line[column])
    return tree


def _value(column: str, cell: str) -> object:
    if column in _WHOLE_NUMBERS:
        return int(cell)
    if column in _YES_OR_NO:
        return {"true": True, "false": False}[cell]
    return cell.split(";") if column in _SEVERAL else cell
