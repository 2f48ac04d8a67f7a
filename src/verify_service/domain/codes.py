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
    DIVORCED = "divorced"
    DECEASED = "deceased"


class Belonging(StrEnum):
    """On what ground a person counts as living in the household (共同生活的家庭成员, domain reference B5)."""

    SPOUSE = "spouse"
    MINOR_CHILD = "minor_child"
    DEPENDENT_ADULT_CHILD = "dependent_adult_child"
    SUPPORT_DUTY_LIVING_TOGETHER = "support_duty_living_together"


class Returned(StrEnum):
    """Why a person who was away counts again (B5)."""

    RELEASED = "released"
    SERVING_OUTSIDE = "serving_outside_prison"
    MEDICAL_PAROLE = "medical_parole"


class SinglePersonGround(StrEnum):
    """On what ground one person is treated as a household of her own (单人户)."""

    SEVERE_DISABILITY = "severe_disability"
    SERIOUS_DISEASE = "serious_disease"
    CLERGY = "clergy_three_years_apart"


class Marital(StrEnum):
    """婚姻状况 (GB/T 2261.2, first digit)."""

    UNMARRIED = "10"
    MARRIED = "20"
    WIDOWED = "30"
    DIVORCED = "40"


class Capacity(StrEnum):
    """民事行为能力: whoever lacks it in whole or part cannot consent for herself."""

    FULL = "full"
    LIMITED = "limited"
    NONE = "none"


class Labour(StrEnum):
    """劳动能力 as assessed."""

    ABLE = "able"
    PARTLY = "partly"
    UNABLE = "unable"


class DisabilityType(StrEnum):
    """残疾类别 (GB/T 26341)."""

    VISUAL = "1"
    HEARING = "2"
    SPEECH = "3"
    PHYSICAL = "4"
    INTELLECTUAL = "5"
    MENTAL = "6"
    MULTIPLE = "7"


class HousingNature(StrEnum):
    """住房性质 as declared."""

    OWN = "own"
    PUBLIC_RENTAL = "public_rental"
    PRIVATE_RENTAL = "private_rental"
    MAKESHIFT = "makeshift"
    BORROWED = "borrowed"
    OTHER = "other"


class HomeClaim(StrEnum):
    """On what ground a household says that real property of its own should not count; an officer looks (M10)."""

    UNUSED_OLD_HOUSE = "unused_old_house"
    ONLY_HOME_AS_SHOP = "only_home_as_shop"


class SpecialIncome(StrEnum):
    """What is received beside the five classes; whether it is income at all is the policy's to say (M22)."""

    VETERAN_BENEFIT = "veteran_benefit"
    FAMILY_PLANNING_REWARD = "family_planning_reward"
    SCHOLARSHIP = "scholarship"
    BRAVERY_AWARD = "bravery_award"
    SOCIAL_AID = "social_aid"
    RESETTLEMENT_MONEY = "resettlement_money"


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
APPLICANT_RELATION = "01"
SPOUSE_RELATIONS = frozenset({"10", "11", "12"})
PARENT_RELATIONS = frozenset({"50", "51", "52", "57", "58", "59"})
CHILD_RELATIONS = frozenset(f"{n}" for n in range(20, 40)) - {"28", "38"}
RELATIONS = frozenset({APPLICANT_RELATION, "02", "99"} | SPOUSE_RELATIONS | {f"{n}" for n in range(20, 98)})
