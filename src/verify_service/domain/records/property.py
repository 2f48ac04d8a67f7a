"""A right in real property as the natural-resources register holds it (GB/T 37346 unit codes)."""

from datetime import date
from typing import Literal

from pydantic import Field

from verify_service.domain.identity import IdNumber
from verify_service.domain.records.base import BaseRecord, Cm2, Fen, Frozen, Share, Text


class CoOwner(Frozen):
    """Another right holder of the same unit; her number is absent when the register withholds it."""

    name: Text = Field(repr=False)
    id_number: IdNumber | None = None
    share: Share | None = None


class PresaleContract(Frozen):
    """An on-line signed presale contract (网签备案)."""

    contract_no: Text
    signed: date
    state: Literal["filed", "cancelled", "registered"]


class RealProperty(BaseRecord):
    """One right in one unit. Key: unit code, else certificate number, else address and area (M4)."""

    kind: Literal["property"] = "property"
    unit_code: str | None = Field(default=None, pattern=r"^[0-9]{6}[0-9]{6}[A-Z]{2}[0-9]{5}[FLQW][0-9]{8}$")
    certificate_no: Text | None = None
    certificate_type: Literal["real_property_certificate", "house_ownership", "land_use", "registration_proof", "presale"]
    right_type: Text
    location: Text
    building_area_cm2: Cm2
    inner_area_cm2: Cm2 | None = None
    shared_area_cm2: Cm2 | None = None
    land_area_cm2: Cm2 | None = None
    planned_use: Literal["residence", "commerce", "office", "garage", "storage", "industry", "other"]
    house_nature: Text | None = None
    house_type: Text | None = None
    structure: Text | None = None
    floor: int | None = Field(default=None, ge=-20, le=300)
    total_floors: int | None = Field(default=None, ge=0, le=300)
    completed_year: int | None = Field(default=None, ge=1800, le=2200)
    co_ownership: Literal["sole", "joint", "shares", "other"]
    share: Share | None = None
    co_owners: tuple[CoOwner, ...] = ()
    co_owners_known: bool
    registered: date
    registration_reason: Literal["purchase", "inheritance", "gift", "resettlement", "divorce", "built", "sale", "other"]
    right_ended: date | None = None
    term_end: date | None = None
    mortgaged: bool
    seized: bool
    preliminary_notice: bool = False
    objection: bool = False
    right_of_residence: bool = False
    price_fen: Fen | None = None
    assessed_fen: Fen | None = None
    registry_office: Text
    region: str = Field(pattern=r"^[0-9]{6}$")
    presale: PresaleContract | None = None
    residential: bool
    rural_homestead: bool = False
