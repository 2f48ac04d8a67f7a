"""A motor vehicle as the traffic administration registers it (GA 24, GA 36)."""

from datetime import date
from typing import Literal

from pydantic import Field

from verify_service.domain.records.base import BaseRecord, Fen, Frozen, Text


class Transfer(Frozen):
    """A change of owner: the day, and in or out as seen from this person."""

    day: date
    direction: Literal["in", "out"]


class Vehicle(BaseRecord):
    """One vehicle. Its key is the VIN, else (plate type, plate number) (M4). status_letters are GA 24.17, several combined ("GQ")."""

    kind: Literal["vehicle"] = "vehicle"
    plate_type: Literal["01", "02", "07", "08", "13", "14", "15", "51", "52"]
    plate_no: Text
    vin: str | None = Field(default=None, pattern=r"^[A-HJ-NPR-Z0-9]{17}$")
    vin_check_ok: bool | None = None
    engine_no_last4: str | None = Field(default=None, max_length=4)
    brand: Text
    model: Text
    vehicle_type: Text
    use_nature: Literal["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "R"]
    status_letters: str = Field(pattern=r"^[ABCDEGHKLMOPQ]{1,6}$")
    ownership: Literal["unit", "person"]
    first_registered: date
    acquired: date | None = None
    acquire_mode: Text | None = None
    certificate_issued: date | None = None
    certificate_no_masked: Text | None = None
    inspection_valid_to: date | None = None
    scrap_due: date | None = None
    displacement_ml: int = Field(ge=0, le=100_000)
    power_kw: int | None = Field(default=None, ge=0, le=10_000)
    fuel: Text
    seats: int | None = Field(default=None, ge=0, le=500)
    load_kg: int | None = Field(default=None, ge=0, le=1_000_000)
    mortgaged: bool
    seized: bool
    purchase_price_fen: Fen | None = None
    original_value_fen: Fen | None = None
    transfers: tuple[Transfer, ...] = ()
    issuing_office: Text
    disabled_use: bool = False
