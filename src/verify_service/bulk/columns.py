"""The long form of a household: one line per member, a column called after the field's path in the JSON request.

`client_reference` is the household's key: lines with the same one stand together, and what concerns the whole household
stands the same in each of them. An empty cell is a field left out. A line carries the member's one consent and one legal
basis. Several values in a cell are separated by semicolons. The columns follow from the model; their order is free. Lists
within a person's part have no columns: who needs them hands NDJSON in. Amounts by kind (`further_fen`) have a column for every
kind of asset that an installed source brings, `household.declared_assets.further_fen.deposit`.
"""

import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from verify_service.bootstrap import installed_adapters
from verify_service.domain.request import VerificationRequest
from verify_service.verification.further import asset_kinds

KEY = "client_reference"
Form = Literal["text", "whole", "yes_no", "several"]
# The lists of the request: one entry of each stands in a line, under the prefix.
_LISTED = {"household.members": "member", "consents": "consent", "legal_bases": "legal_basis"}
_OWN_PREFIXES = tuple(f"{prefix}." for prefix in _LISTED.values())
# A person's line says which member the consent or the basis is of.
_IMPLIED = frozenset({"consent.member", "legal_basis.member"})


@cache
def columns() -> Mapping[str, Form]:
    """Return every column that a file may have, and how its cells are written."""
    return {name: form for name, form in _of_model(VerificationRequest, "") if name not in _IMPLIED}


@cache
def required() -> frozenset[str]:
    """Return the columns without which no household can be complete."""
    return frozenset(
        {KEY, "purpose", "region", "asset_as_of", "income_period.first", "income_period.last", "household.hukou"}
        | {f"commission.{part}" for part in ("number", "organisation", "region")}
        | {f"commission.{officer}.{part}" for officer in ("handler", "reviewer") for part in ("staff_id", "name")}
        | {f"member.{part}" for part in ("ref", "id_number", "name", "role", "relation")}
    )


@cache
def is_of_person(column: str) -> bool:
    """Say whether the column speaks of the line's person; all others speak of the whole household."""
    return column.startswith(_OWN_PREFIXES)


def column_of(pointer: str) -> tuple[int, str]:
    """Return the line within the household (from 0) and the column of a JSON pointer into the request."""
    parts = pointer.strip("/").split("/")
    for listed, prefix in _LISTED.items():
        path = listed.split(".")
        if parts[: len(path)] == path and len(parts) > len(path) and parts[len(path)].isdecimal():
            return int(parts[len(path)]), ".".join((prefix, *_named(parts[len(path) + 1 :])))
    return 0, ".".join(_named(parts))


def _named(parts: list[str]) -> Iterator[str]:
    """Leave out the place within a cell of several values."""
    return (part for part in parts if not part.isdecimal())


def _of_model(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, Form]]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        kind, listed = _kind(field.annotation)
        if get_origin(kind) is dict:
            brought = asset_kinds(adapter.source for adapter in installed_adapters().values())
            yield from ((f"{path}.{name}", _form(_kind(get_args(kind)[1])[0])) for name in sorted(brought))
        elif not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            yield path, "several" if listed else _form(kind)
        elif not listed or path in _LISTED:
            yield from _of_model(kind, f"{_LISTED[path]}." if listed else f"{path}.")


def _kind(annotation: Any) -> tuple[Any, bool]:
    """Return what a field holds, without its None, and whether it holds several of it."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return _kind(next(part for part in get_args(annotation) if part is not types.NoneType))
    if get_origin(annotation) is tuple:
        return _kind(get_args(annotation)[0])[0], True
    if hasattr(annotation, "__metadata__"):
        return _kind(get_args(annotation)[0])
    return annotation, False


def _form(kind: Any) -> Form:
    if kind is bool:
        return "yes_no"
    return "whole" if kind is int else "text"
