"""Inheritance of rules, on plain mappings: what a more special area says, or a later version, stands before what it inherits."""

from collections.abc import Iterator, Mapping
from typing import Any

Tree = Mapping[str, Any]
Place = tuple[str | int, ...]


def changed(base: Tree, change: Tree, *, keep_null: bool = False) -> dict[str, Any]:
    """Return the base with the change laid over it, key by key; a list is replaced whole.

    Null takes a key away; kept, it is itself a change that will take a key away from what is beneath.
    """
    both = dict(base)
    for key, value in change.items():
        if isinstance(value, Mapping):
            below = both.get(key)
            both[key] = changed(below if isinstance(below, Mapping) else {}, value, keep_null=keep_null)
        elif value is not None or keep_null:
            both[key] = value
        else:
            both.pop(key, None)
    return both


def forebears(region: str) -> Iterator[str]:
    """Return the areas a region belongs to, the widest first, itself last (GB/T 2260)."""
    yield from dict.fromkeys((f"{region[:2]}0000", f"{region[:4]}00", region))


def whole_versions(versions: list[Tree]) -> list[dict[str, Any]]:
    """Return every version with what it is based on laid beneath it. Raises KeyError for a base that does not stand before it."""
    done: dict[str, dict[str, Any]] = {}
    for version in versions:
        base: Tree = {}
        if (name := version.get("based_on")) is not None:
            base = {key: done[name][key] for key in ("rules", "areas")}
        done[version["version"]] = changed(base, version, keep_null=True)
    return list(done.values())


def rules_of(version: Tree, province: str, region: str) -> dict[str, Any]:
    """Return the rules of an area: the province's, changed by those of its city, changed by its own."""
    rules: dict[str, Any] = dict(version["rules"])
    for area in forebears(region):
        if area != province:
            rules = changed(rules, version["areas"].get(area, {}))
    return rules
