"""The register's messages as they are on the wire, and a row as a record. Element names and codes are the register's."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic_core import PydanticCustomError

from verify_service.domain.identity import IdNumber
from verify_service.domain.records import CoOwner, PresaleContract, RealProperty, RecordStatus, Share
from verify_service.domain.records.base import Text
from verify_service.sources.exact import Count, Day, Flag, SquareMetres, TenThousandYuan, Whole, coded
from verify_service.sources.reading import WireModel

PersonStatus = Literal["0000", "0001", "1001", "1002", "1003", "2001", "2002", "3001", "3002"]

_STATUS = {"0": RecordStatus.PENDING, "1": RecordStatus.CURRENT, "2": RecordStatus.HISTORIC, "3": RecordStatus.CANCELLED}


def _share(value: object) -> Share:
    parts = value.split("/") if isinstance(value, str) else []
    if len(parts) != 2 or not all(p.isascii() and p.isdigit() and len(p) <= 9 and p[0] != "0" for p in parts):
        raise PydanticCustomError("share", "a share n/d")
    return Share(numerator=int(parts[0]), denominator=int(parts[1]))


CertificateType = Annotated[
    Literal["real_property_certificate", "house_ownership", "land_use", "registration_proof", "presale"],
    coded({"1": "real_property_certificate", "2": "house_ownership", "3": "land_use", "4": "registration_proof", "5": "presale"}),
]
PlannedUse = Annotated[
    Literal["residence", "commerce", "office", "garage", "storage", "industry", "other"],
    coded({"10": "residence", "20": "commerce", "30": "office", "40": "garage", "50": "storage", "60": "industry", "90": "other"}),
]
CoOwnership = Annotated[Literal["sole", "joint", "shares", "other"], coded({"0": "sole", "1": "joint", "2": "shares", "3": "other"})]
Reason = Annotated[
    Literal["purchase", "inheritance", "gift", "resettlement", "divorce", "built", "sale", "other"],
    coded(
        {
            "01": "purchase",
            "02": "inheritance",
            "03": "gift",
            "04": "resettlement",
            "05": "divorce",
            "06": "built",
            "07": "sale",
            "99": "other",
        }
    ),
]
ContractState = Annotated[Literal["filed", "cancelled", "registered"], coded({"1": "filed", "2": "cancelled", "3": "registered"})]
ShareText = Annotated[Share, BeforeValidator(_share)]


class CoHolder(WireModel):
    """GYR, another holder of the unit. The number is withheld (absent) where the holder is not a natural person."""

    name: Text = Field(alias="XM", repr=False)
    id_number: IdNumber | None = Field(default=None, alias="ZJHM")
    share: ShareText | None = Field(default=None, alias="QLBL")


class Presale(WireModel):
    """WQHT, the on-line signed contract."""

    contract_no: Text = Field(alias="HTBH")
    signed: Day = Field(alias="QDRQ")
    state: ContractState = Field(alias="HTZT")


class Row(WireModel):
    """One right. XH and ZJHM say whose; areas are m2, prices 10,000 yuan. GYRLB is absent for old certificates without it."""

    ref: str = Field(alias="XH")
    holder_number: str = Field(alias="ZJHM", repr=False)
    unit_code: str | None = Field(default=None, alias="BDCDYH", pattern=r"^[0-9]{12}[A-Z]{2}[0-9]{5}[FLQW][0-9]{8}$")
    certificate_no: Text | None = Field(default=None, alias="BDCQZH")
    certificate_type: CertificateType = Field(alias="ZSLX")
    right_type: Text = Field(alias="QLLX")
    location: Text = Field(alias="ZL", repr=False)
    building_area: SquareMetres = Field(alias="JZMJ")
    inner_area: SquareMetres | None = Field(default=None, alias="TNMJ")
    shared_area: SquareMetres | None = Field(default=None, alias="FTMJ")
    land_area: SquareMetres | None = Field(default=None, alias="TDMJ")
    planned_use: PlannedUse = Field(alias="GHYT")
    house_nature: Text | None = Field(default=None, alias="FWXZ")
    house_type: Text | None = Field(default=None, alias="FWLX")
    structure: Text | None = Field(default=None, alias="FWJG")
    floor: Whole | None = Field(default=None, alias="SZC")
    total_floors: Count | None = Field(default=None, alias="ZCS")
    completed_year: Count | None = Field(default=None, alias="JGND")
    co_ownership: CoOwnership = Field(alias="GYFS")
    share: ShareText | None = Field(default=None, alias="QLBL")
    co_holders: list[CoHolder] | None = Field(default=None, alias="GYRLB")
    registered: Day = Field(alias="DJSJ")
    registration_reason: Reason = Field(alias="DJYY")
    state: Literal["0", "1", "2", "3"] = Field(alias="QSZT")
    right_ended: Day | None = Field(default=None, alias="ZXSJ")
    term_end: Day | None = Field(default=None, alias="QLJSSJ")
    mortgaged: Flag = Field(alias="DYZT")
    seized: Flag = Field(alias="CFZT")
    preliminary_notice: Flag = Field(alias="YGZT")
    objection: Flag = Field(alias="YYZT")
    right_of_residence: Flag = Field(alias="JZQZT")
    price: TenThousandYuan | None = Field(default=None, alias="QDJG")
    assessed: TenThousandYuan | None = Field(default=None, alias="PGJG")
    registry_office: Text = Field(alias="DJJG")
    region: str = Field(alias="QXDM", pattern=r"^[0-9]{6}$")
    presale: Presale | None = Field(default=None, alias="WQHT")
    residential: Flag = Field(alias="JZBZ")
    rural_homestead: Flag = Field(alias="ZJDBZ")


class Person(WireModel):
    """The register's word on one person: its code, how many rows, and the day her registry's data speak for."""

    ref: str = Field(alias="XH")
    id_number: str = Field(alias="ZJHM", repr=False)
    name: str = Field(alias="XM", repr=False)
    status: PersonStatus = Field(alias="CXJG")
    row_count: Count = Field(alias="JLS")
    data_date: Day | None = Field(default=None, alias="SJRQ")


class Page(WireModel):
    """One page. Every page repeats the totals and the list of people, so that a lost or foreign page shows."""

    query_id: str = Field(alias="QueryId")
    page_no: Count = Field(alias="PageNo")
    page_count: Count = Field(alias="PageCount")
    total_rows: Count = Field(alias="TotalRows")
    rows_on_page: Count = Field(alias="RowsOnPage")
    data_date: Day = Field(alias="DataDate")
    persons: list[Person] = Field(alias="Persons")
    rows: list[Row] = Field(alias="Rows")


PAGE: TypeAdapter[Page] = TypeAdapter(Page)


def row_contradiction(row: Row, today: date) -> str | None:
    """Name the rule that a row breaks by itself (domain reference C4.2), if one."""
    status, holders = _STATUS[row.state], row.co_holders
    if row.unit_code is not None and row.unit_code[:6] != row.region:
        return "unit code of another region"
    if row.registered > today or (status is RecordStatus.CURRENT and row.right_ended is not None):
        return "dates against state"
    if holders is not None and (not holders) is not (row.co_ownership == "sole") and row.co_ownership != "other":
        return "co-owner list against mode"
    return "shares exceed the whole" if _shares_exceed_one(row) else None


def _shares_exceed_one(row: Row) -> bool:
    total, over = 0, 1
    for share in (row.share, *(holder.share for holder in row.co_holders or ())):
        if share is not None:
            total, over = total * share.denominator + share.numerator * over, over * share.denominator
    return total > over


def record_of(row: Row) -> RealProperty:
    """Return the record of a row."""
    presale = row.presale
    return RealProperty(
        source_key=row.unit_code or row.certificate_no or (presale.contract_no if presale else f"{row.location}/{row.building_area}"),
        status=_STATUS[row.state],
        unit_code=row.unit_code,
        certificate_no=row.certificate_no,
        certificate_type=row.certificate_type,
        right_type=row.right_type,
        location=row.location,
        building_area_cm2=row.building_area,
        inner_area_cm2=row.inner_area,
        shared_area_cm2=row.shared_area,
        land_area_cm2=row.land_area,
        planned_use=row.planned_use,
        house_nature=row.house_nature,
        house_type=row.house_type,
        structure=row.structure,
        floor=row.floor,
        total_floors=row.total_floors,
        completed_year=row.completed_year,
        co_ownership=row.co_ownership,
        share=row.share,
        co_owners=tuple(CoOwner(name=h.name, id_number=h.id_number, share=h.share) for h in row.co_holders or ()),
        co_owners_known=row.co_holders is not None,
        registered=row.registered,
        registration_reason=row.registration_reason,
        right_ended=row.right_ended,
        term_end=row.term_end,
        mortgaged=row.mortgaged,
        seized=row.seized,
        preliminary_notice=row.preliminary_notice,
        objection=row.objection,
        right_of_residence=row.right_of_residence,
        price_fen=row.price,
        assessed_fen=row.assessed,
        registry_office=row.registry_office,
        region=row.region,
        presale=None if presale is None else PresaleContract(contract_no=presale.contract_no, signed=presale.signed, state=presale.state),
        residential=row.residential,
        rural_homestead=row.rural_homestead,
    )
