"""The library that reads and writes Parquet. It is large, so it is an extra, and loaded when the first file comes."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from verify_service.errors import ExtraNotInstalled


@dataclass(frozen=True, slots=True)
class Arrow:
    """The library and the part of it that knows Parquet."""

    library: Any
    parquet: Any


def is_installed() -> bool:
    """Say whether the extra `parquet` is there."""
    return find_spec("pyarrow") is not None


@cache
def arrow() -> Arrow:
    """Return the library. Raises ExtraNotInstalled."""
    if not is_installed():
        raise ExtraNotInstalled("parquet")
    return Arrow(import_module("pyarrow"), import_module("pyarrow.parquet"))
