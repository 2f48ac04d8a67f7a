"""The model of `policies/*.yaml`: one file per province with its dated versions.

A version holds the province's rules whole, and for each area below it only what differs: a county inherits from its city,
a city from its province (GB/T 2260: 990101 from 990100 from 990000). A version may be based on an earlier one. Null takes
something inherited away.
"""

from datetime import date
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

from verify_service.domain.policy.base import Pack, Region
from verify_service.domain.policy.calendar import Calendar
from verify_service.domain.policy.rules import Rules


@cache
def partial(model: type[BaseModel]) -> type[BaseModel]:
    """Return the model with every field optional, all the way down: what an area or a later version may change."""
    fields: dict[str, Any] = {
        name: (_partial_of(info.annotation, info.metadata) | None, Field(default=None, description=info.description))
        for name, info in model.model_fields.items()
    }
    doc = f"What differs from what is inherited: {model.__name__}."
    return create_model(f"Changed{model.__name__}", __config__=ConfigDict(**Pack.model_config), __doc__=doc, **fields)


def _partial_of(kind: Any, metadata: list[Any]) -> Any:
    """Make the parts of a part optional too; a list is changed as a whole."""
    if isinstance(kind, type) and issubclass(kind, Pack):
        return partial(kind)
    of, arguments = get_origin(kind), get_args(kind)
    if of is dict:
        key, value = arguments
        return dict[key, partial(value) | None] if isinstance(value, type) and issubclass(value, Pack) else kind  # type: ignore[valid-type,misc]
    models = [option for option in arguments if isinstance(option, type) and issubclass(option, Pack)]
    if models and of is not tuple:
        return partial(models[0])
    return Annotated[kind, *metadata] if metadata else kind


ChangedRules = partial(Rules)


class PackVersion(Pack):
    """The rules in force from a day on; `in_force_to` is the last day, none while it lasts."""

    version: str = Field(min_length=1, max_length=32)
    in_force_from: date
    in_force_to: date | None = None
    based_on: str | None = Field(default=None, description="the earlier version whose rules and areas this one changes")
    rules: ChangedRules = Field(description="the province's rules: whole in a version of its own, else what changes")  # type: ignore[valid-type]
    areas: dict[Region, ChangedRules] = Field(description="what differs in a city or county")  # type: ignore[valid-type]


class PackFile(Pack):
    """One province's file."""

    region: Region
    name: str
    name_zh: str
    calendar: Calendar = Calendar()
    versions: tuple[PackVersion, ...] = Field(min_length=1)
