"""A household as lines of the long form: one for each member, a column called after the field's path in the JSON request."""

from collections.abc import Iterator, Mapping
from typing import Any


def csv_lines(request: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield a line for each member with her one consent; what concerns the whole household stands the same in each."""
    members, consents = request["household"]["members"], {c["member"]: c for c in request["consents"]}
    whole = {key: value for key, value in request.items() if key != "consents"}
    whole["household"] = {key: value for key, value in request["household"].items() if key != "members"}
    for member in members:
        consent = {key: value for key, value in consents[member["ref"]].items() if key != "member"}
        yield dict(_flat({**whole, "member": member, "consent": consent}))


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, part in value.items():
        if isinstance(part, dict):
            yield from _flat(part, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _cell(part)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(value) if isinstance(value, list) else str(value)
