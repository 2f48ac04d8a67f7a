"""What every part of a pack is made of."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from verify_service.domain.interval import Unit

Region = Annotated[str, Field(pattern=r"^[0-9]{6}$", description="GB/T 2260")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Hukou = Literal["01", "02", "09"]
Multiple = Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}|/[1-9][0-9]{0,3})?$", description='an exact number: "1.5", "24", "2/3"')]
Days = Annotated[int, Field(ge=1, le=366)]
Day = Annotated[date, Field(description="YYYY-MM-DD")]
Figure = Literal[
    "income_per_capita_monthly",
    "income_after_rigid_expenditure",
    "financial_assets",
    "vehicles",
    "vehicle_value",
    "farm_machines",
    "homes",
    "home_area_per_capita",
    "non_residential",
    "business_capital",
]
UNITS: dict[Figure, Unit] = {
    "income_per_capita_monthly": "fen",
    "income_after_rigid_expenditure": "fen",
    "financial_assets": "fen",
    "vehicles": "pieces",
    "vehicle_value": "fen",
    "farm_machines": "pieces",
    "homes": "pieces",
    "home_area_per_capita": "cm2",
    "non_residential": "pieces",
    "business_capital": "fen",
}


class Pack(BaseModel):
    """An immutable part of a pack; an unknown key or a number in place of a string is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
