"""What a register can say: one typed record per row, field for field what the six kinds carry (domain reference C4).

Units: money is an integer of fen (`_fen`), area is an integer of square centimetres (`_cm2`), rates are basis points
(`_bp`, 100 bp is 1 %), months are `YYYY-MM`, days are dates without a zone. Account numbers are masked by the register
or by the adapter before they come here. Optional means that the register's contract lets the field be absent.
A kind that is not among them comes with its source, as a FurtherRecord.
"""

from typing import Annotated

from pydantic import Field

from verify_service.domain.records.base import BaseRecord, Disclosure, RecordStatus, Share
from verify_service.domain.records.business import BusinessRole, ContributedCapital
from verify_service.domain.records.further import BUILT_IN, UNTOLD, FurtherRecord, PersonFacts, Relative, Worth
from verify_service.domain.records.housing_fund import FundAccount, FundLoan, FundWithdrawal
from verify_service.domain.records.pension import BenefitSplit, PensionBenefit, SocialContribution
from verify_service.domain.records.property import CoOwner, PresaleContract, RealProperty
from verify_service.domain.records.securities import SecuritiesTotal
from verify_service.domain.records.vehicle import Transfer, Vehicle

_BuiltIn = Annotated[
    Vehicle | RealProperty | SecuritiesTotal | BusinessRole | FundAccount | SocialContribution | PensionBenefit,
    Field(discriminator="kind"),
]
Record = Annotated[_BuiltIn | FurtherRecord, Field(union_mode="left_to_right")]

__all__ = [
    "BUILT_IN",
    "UNTOLD",
    "BaseRecord",
    "BenefitSplit",
    "BusinessRole",
    "CoOwner",
    "ContributedCapital",
    "Disclosure",
    "FundAccount",
    "FundLoan",
    "FundWithdrawal",
    "FurtherRecord",
    "PensionBenefit",
    "PersonFacts",
    "PresaleContract",
    "RealProperty",
    "Record",
    "RecordStatus",
    "Relative",
    "SecuritiesTotal",
    "Share",
    "SocialContribution",
    "Transfer",
    "Vehicle",
    "Worth",
]
