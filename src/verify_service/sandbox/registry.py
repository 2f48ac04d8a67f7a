"""The simulated registers, in the order in which they are served: the six of this package, then those of the sources' own packages."""

from collections.abc import Mapping

from verify_service.bootstrap import installed_registers
from verify_service.sandbox.registers import business_registration, housing_fund, pension, securities, vehicle
from verify_service.sandbox.registers import property as real_property
from verify_service.sources.register import Simulation

REGISTERS: dict[str, Simulation] = {
    "vehicle": Simulation(lambda world, _: vehicle.VehicleRegister(world), vehicle.CREDENTIALS),
    "property": Simulation(lambda world, _: real_property.PropertyRegister(world), real_property.CREDENTIALS),
    "securities": Simulation(lambda world, s: securities.SecuritiesRegister(world, ready_after_seconds=s), securities.CREDENTIALS),
    "business_registration": Simulation(
        lambda world, _: business_registration.BusinessRegistrationRegister(world), business_registration.CREDENTIALS
    ),
    "housing_fund": Simulation(
        lambda world, _: housing_fund.HousingFundRegister(world), housing_fund.CREDENTIALS, "postgresql", "/housing_fund"
    ),
    "pension": Simulation(lambda world, _: pension.PensionRegister(world), pension.CREDENTIALS),
}


def registers() -> Mapping[str, Simulation]:
    """Return every register that can be served: the six, then those that sources bring beside their adapters."""
    return {**REGISTERS, **installed_registers()}
