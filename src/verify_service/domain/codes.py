"""Code tables of the request: purposes, triggers, roles, relations (domain reference C3, GB/T 4761)."""

from enum import StrEnum


class Purpose(StrEnum):
    """救助项目: what the report may be used for."""

    DIBAO = "01"
    TEKUN = "02"
    DIBAO_EDGE = "03"
    RIGID_EXPENDITURE = "04"
    TEMPORARY_AID = "05"
    MEDICAL_AID = "06"
    EDUCATION_AID = "07"
    HOUSING_AID = "08"
    EMPLOYMENT_AID = "09"
    DISASTER_AID = "10"
    POVERTY_MONITORING = "11"
    CHARITY_OTHER = "12"


class Trigger(StrEnum):
    """Why the verification is asked for."""

    NEW = "new"
    PERIODIC = "periodic"
    REPORTED = "reported"
    DOUBT = "doubt"
    RECHECK = "recheck"
    SPOT_CHECK = "spot_check"
    CAMPAIGN = "campaign"
    MONITOR = "monitor"
    URGENT = "urgent"


class Role(StrEnum):
    """How a person stands to the household. Supporters (赡抚扶养人) are reported apart and never divided by (M23, M24)."""

    APPLICANT = "applicant"
    MEMBER = "member"
    SUPPORTER = "supporter"
    SPOUSE_NOT_COHABITING = "spouse_not_cohabiting"


class Exclusion(StrEnum):
    """Why a listed person does not count as a household member (domain reference B5)."""

    CLERGY = "clergy_three_years_apart"
    PRISON = "prison"
    DETOX = "compulsory_detox"
    MISSING = "declared_missing"
    CONSCRIPT = "army_conscript"
    INDEPENDENT_ADULT = "independent_adult"
    DECEASED = "deceased"


class Occupation(StrEnum):
    """就业状态 as declared."""

    EMPLOYED = "employed"
    FLEXIBLE = "flexible"
    REGISTERED_UNEMPLOYED = "registered_unemployed"
    UNREGISTERED_UNEMPLOYED = "unregistered_unemployed"
    NOT_ABLE = "not_able_to_work"
    ELDERLY = "elderly"
    MINOR = "minor"
    STUDENT = "student"


class SignatureMode(StrEnum):
    """How a consent was signed."""

    PAPER_INK = "paper_ink"
    PAPER_FINGERPRINT = "paper_fingerprint"
    E_SIGN = "e_sign"


class ConsentRule(StrEnum):
    """What ends a consent (domain reference B4)."""

    FIXED_DATE = "fixed_date"
    EXIT_OF_MATTER = "exit_of_matter"
    UNTIL_REJECTED = "until_rejected"


# GB/T 4761-2008: relation of the person to the applicant, two digits; the gaps in the standard are gaps here.
RELATIONS = frozenset(
    {"01", "02", "10", "11", "12"}
    | {f"{n}" for n in range(20, 60)}
    | {f"{n}" for n in range(60, 70)}
    | {f"{n}" for n in range(70, 80)}
    | {f"{n}" for n in range(80, 98)}
    | {"99"}
)
