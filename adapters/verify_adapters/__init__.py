"""The adapters that come with the service: one folder per source, one line each here; and the simulated registers beside them."""

from verify_adapters.business_registration.adapter import BusinessRegistrationAdapter
from verify_adapters.deposits import register as deposits
from verify_adapters.deposits.adapter import DepositsAdapter
from verify_adapters.housing_fund.adapter import HousingFundAdapter
from verify_adapters.pension.adapter import PensionAdapter
from verify_adapters.property.adapter import PropertyAdapter
from verify_adapters.securities.adapter import SecuritiesAdapter
from verify_adapters.vehicle.adapter import VehicleAdapter
from verify_service.sources.adapter import AnyAdapter
from verify_service.sources.register import Simulation

ADAPTERS: tuple[type[AnyAdapter], ...] = (
    VehicleAdapter,
    PropertyAdapter,
    SecuritiesAdapter,
    BusinessRegistrationAdapter,
    HousingFundAdapter,
    PensionAdapter,
    DepositsAdapter,
)

REGISTERS: dict[str, Simulation] = {"deposits": deposits.SIMULATION}
