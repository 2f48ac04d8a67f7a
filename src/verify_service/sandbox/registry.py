"""The six simulated registers, in the order in which they are served and asked. One line per source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from verify_service.sandbox.registers import business_registration, housing_fund, pension, securities, vehicle
from verify_service.sandbox.registers import property as real_property
from verify_service.sandbox.world import World
from verify_service.sources.register import DatabaseRegister, HttpRegister

AnyRegister = HttpRegister | DatabaseRegister


@dataclass(frozen=True, slots=True)
class Kind:
    """How one register is built (from its world, and how long a ticket takes) and reached."""

    build: Callable[[World, float], AnyRegister]
    credentials: Mapping[str, str] = field(repr=False)
    scheme: str = "http"
    path: str = ""


REGISTERS: dict[str, Kind] = {
    "vehicle": Kind(lambda world, _: vehicle.VehicleRegister(world), vehicle.CREDENTIALS),
    "property": Kind(lambda world, _: real_property.PropertyRegister(world), real_property.CREDENTIALS),
    "securities": Kind(lambda world, s: securities.SecuritiesRegister(world, ready_after_seconds=s), securities.CREDENTIALS),
    "business_registration": Kind(
        lambda world, _: business_registration.BusinessRegistrationRegister(world), business_registration.CREDENTIALS
    ),
    "housing_fund": Kind(lambda world, _: housing_fund.HousingFundRegister(world), housing_fund.CREDENTIALS, "postgresql", "/housing_fund"),
    "pension": Kind(lambda world, _: pension.PensionRegister(world), pension.CREDENTIALS),
}
