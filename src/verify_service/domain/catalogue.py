"""The finding codes of domain reference C6 that the service itself can raise: one line a code. Sources bring further ones.

PRO-09 is ours: it tells what VEH-06 tells of vehicles, an exemption, but of homes and before an officer has looked (M10).

ID-01 is refused at the door (a number that breaks GB 11643), so no report can hold it. Codes that need a register which is not
there (household register, death, marriage, tax, insurance, aid in force, …) come with its source.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Resolver = Literal["applicant_explains", "home_visit", "source_corrects"]


class Severity(StrEnum):
    """I 提示, D 疑点 (a person must look), L 超限 (a numeric line is passed), Q 数据质量."""

    NOTE = "I"
    DOUBT = "D"
    LIMIT = "L"
    QUALITY = "Q"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a code means: how serious, in both languages, the rule behind it, what is compared, and who can clear it up."""

    severity: Severity
    text_zh: str
    text_en: str
    rule: str
    formula: str = ""
    resolver: Resolver = "applicant_explains"


_I, _D, _L, _Q = Severity.NOTE, Severity.DOUBT, Severity.LIMIT, Severity.QUALITY
_APPLICANT: Resolver = "applicant_explains"
_VISIT: Resolver = "home_visit"
_SOURCE: Resolver = "source_corrects"

CATALOGUE: dict[str, Kind] = {
    "ID-02": Kind(
        _Q,
        "姓名与证件号不符",
        "the register knows this number under another name",
        "M2",
        "the register answers: other name under this number",
        _SOURCE,
    ),
    "ID-03": Kind(
        _D, "一人多证或重号", "the register finds more than one person", "M1", "the register answers: more than one person", _APPLICANT
    ),
    "ID-04": Kind(
        _D, "户籍已注销", "the household registration is cancelled", "M1", "a register says that the registration is cancelled", _APPLICANT
    ),
    "MEM-01": Kind(
        _D,
        "应计入成员未申报",
        "a spouse or minor child is not in the request",
        "C2",
        "married and no spouse listed, or a register knows a spouse or minor child who is not listed",
        _VISIT,
    ),
    "MEM-02": Kind(
        _D,
        "不应计入成员",
        "somebody is counted who should perhaps not be",
        "C2",
        "child of 18 or more, no student, able, no ground of belonging; or a register says that she is away",
        _VISIT,
    ),
    "MEM-03": Kind(
        _D,
        "婚姻状况不符",
        "a register knows another marital status than was declared",
        "M27",
        "declared status differs from the register's, or from a division of property at divorce",
        _VISIT,
    ),
    "MEM-04": Kind(
        _D,
        "近期离婚且同址",
        "divorced lately and still at the same address",
        "M27",
        "divorced within the months of the rules, declared or by a register, and same address",
        _VISIT,
    ),
    "MEM-05": Kind(
        _D,
        "赡养义务人未申报",
        "a parent or grown child is not in the request",
        "C2",
        "a register knows a parent or grown child who is not listed",
        _VISIT,
    ),
    "MEM-06": Kind(
        _I, "人户分离", "registered in another region than the household lives in", "C2", "hukou region differs from residence", _VISIT
    ),
    "DTH-01": Kind(
        _D,
        "成员已死亡",
        "a register knows a counted person as dead",
        "M28",
        "benefit stopped for death, or death registered, on or before the day",
        _VISIT,
    ),
    "DTH-02": Kind(
        _L,
        "死亡仍领取",
        "a benefit or contribution was paid after the month of death",
        "M28",
        "months from the month of death to the last one paid > 0",
        _VISIT,
    ),
    "DTH-03": Kind(
        _Q,
        "死亡日期来源冲突",
        "two dates of death differ",
        "M28",
        "latest - earliest date, declared or of a register > tolerance in days",
        _VISIT,
    ),
    "VEH-01": Kind(_L, "拥有机动车", "a vehicle where the programme allows none", "M11", "counted vehicles > line", _APPLICANT),
    "VEH-02": Kind(
        _L,
        "车辆超限",
        "vehicles over the line in number, value or kind",
        "M11",
        "counted vehicles, farm machines or highest vehicle value > line",
        _APPLICANT,
    ),
    "VEH-03": Kind(_D, "营运车辆", "a vehicle used for business", "M11", "use nature B to G (GA 24.3)", _APPLICANT),
    "VEH-04": Kind(
        _D,
        "近期转移车辆",
        "a vehicle was transferred out lately",
        "M7",
        "transferred out in the look-back and not held on the day",
        _APPLICANT,
    ),
    "VEH-05": Kind(_D, "未申报车辆", "more vehicles found than declared", "M7", "counted vehicles > declared vehicles", _APPLICANT),
    "VEH-06": Kind(_I, "豁免车辆", "a vehicle is exempt", "M11", "excluded by the programme's exemptions", _APPLICANT),
    "PRO-01": Kind(_L, "多套房", "more homes than the line", "M9", "homes, each once > line", _APPLICANT),
    "PRO-02": Kind(
        _L, "人均面积超限", "living area per person over the line", "M10", "sum of (area x share) / counted persons > line", _APPLICANT
    ),
    "PRO-03": Kind(_L, "非居住类房屋", "shop, office or garage over the line", "M10", "non-residential units > line", _APPLICANT),
    "PRO-04": Kind(
        _D,
        "网签未登记",
        "a presale contract without a certificate yet",
        "M10",
        "presale contract in force, no certificate of the unit",
        _APPLICANT,
    ),
    "PRO-05": Kind(
        _D,
        "近期转移不动产",
        "real property was given or sold lately",
        "M7",
        "right ended by sale or gift in the look-back and not held on the day",
        _APPLICANT,
    ),
    "PRO-06": Kind(
        _I, "异地房产", "real property in another province", "M10", "province of the unit differs from that of the rules", _APPLICANT
    ),
    "PRO-07": Kind(_Q, "共有份额不明", "the share of ownership is not told", "M8", "co-owners or shares not told", _SOURCE),
    "PRO-08": Kind(_D, "未申报房产", "more homes found than declared", "M9", "homes > declared homes", _APPLICANT),
    "PRO-09": Kind(
        _D,
        "房屋豁免待核",
        "an exemption is claimed for a home or shop",
        "M10",
        "claimed as unused old house, or as the only home, used as a shop",
        _VISIT,
    ),
    "SEC-01": Kind(_D, "持有证券", "securities of value are held", "M14", "value of the account > 0", _APPLICANT),
    "SEC-02": Kind(_L, "金融资产超限", "financial assets over the line", "M14", "sum of financial assets > line", _APPLICANT),
    "SEC-03": Kind(_I, "空户", "a securities account without value", "M14", "account open, value = 0", _APPLICANT),
    "BUS-01": Kind(
        _D,
        "市场主体登记(法定代表人/经营者)",
        "registered as legal representative or trader",
        "M16",
        "role in force: legal representative or sole trader",
        _APPLICANT,
    ),
    "BUS-02": Kind(_D, "投资入股", "holds a share in a company", "M16", "role in force: investor", _APPLICANT),
    "BUS-03": Kind(
        _L, "出资超限", "subscribed or paid-in capital over the line", "M16", "sum of subscribed or paid-in capital > line", _APPLICANT
    ),
    "BUS-04": Kind(_D, "高管任职", "holds an office in a company", "M16", "role in force: executive", _APPLICANT),
    "BUS-05": Kind(_I, "吊销未注销", "licence revoked, entity not ended", "M16", "state revoked, not cancelled", _APPLICANT),
    "BUS-06": Kind(
        _D,
        "疑似冒名登记",
        "says that the registration is not hers",
        "M16",
        "claim of a borrowed name; the other roles are suspended",
        _APPLICANT,
    ),
    "BUS-07": Kind(_I, "合作社成员", "member of a cooperative", "M16", "role in force: member of a cooperative", _APPLICANT),
    "FUN-01": Kind(
        _D,
        "缴存公积金未申报就业",
        "housing fund is paid in, no employment declared",
        "M17",
        "account remits and no work or wage is declared",
        _APPLICANT,
    ),
    "FUN-02": Kind(
        _D, "公积金大额提取", "a large sum was taken out of the housing fund", "M14", "withdrawals in the look-back > k x dibao", _APPLICANT
    ),
    "FUN-03": Kind(
        _D,
        "公积金贷款购房",
        "a housing loan, but no home declared or none found",
        "M10",
        "loan not settled, and no home declared or surely none found",
        _APPLICANT,
    ),
    "SOC-01": Kind(
        _D,
        "职工参保未申报就业",
        "insured as an employee, no employment declared",
        "M17",
        "insured as an employee and no work or wage is declared",
        _APPLICANT,
    ),
    "SOC-02": Kind(_I, "灵活就业高基数", "self-paid insurance on a high base", "M17", "self-paid base > k x dibao", _APPLICANT),
    "SOC-03": Kind(_Q, "同期多地参保", "insured in two regions at once", "M4", "one insurance in force in two regions", _SOURCE),
    "PEN-01": Kind(
        _D, "领取养老金未申报", "a pension is drawn, none declared", "M19", "pension counted > 0 and no transfer declared", _APPLICANT
    ),
    "PEN-02": Kind(
        _D,
        "养老金与在职缴费并存",
        "draws a pension and contributes as an employee",
        "M19",
        "pension and employee contributions run at once",
        _APPLICANT,
    ),
    "PEN-03": Kind(_I, "待遇暂停", "a benefit is paused", "M19", "payment state paused", _APPLICANT),
    "PEN-04": Kind(
        _L, "重复领取养老待遇", "two pensions in the same month", "M19", "old-age pensions paid for one month of the period > 1", _APPLICANT
    ),
    "INC-01": Kind(
        _L,
        "人均收入高于低保标准",
        "income per person over the dibao standard",
        "M24",
        "income / months / counted persons > line",
        _APPLICANT,
    ),
    "INC-02": Kind(
        _L, "人均收入高于边缘线", "income per person over the edge line", "M24", "income / months / counted persons > line", _APPLICANT
    ),
    "INC-03": Kind(
        _Q,
        "收入证据冲突",
        "two registers disagree on the wage base",
        "M17",
        "|fund base - contribution base| > tolerance x larger",
        _SOURCE,
    ),
    "INC-04": Kind(
        _I, "以下限基数推定", "the wage estimate rests on a base at the floor", "M17", "only bases at the local floor", _APPLICANT
    ),
    "EXP-01": Kind(
        _I,
        "刚性支出占比达标",
        "rigid expenditure reaches the local part of income",
        "C6",
        "monthly rigid expenditure / monthly income >= ratio",
        _APPLICANT,
    ),
    "DEC-01": Kind(_D, "申报不符(漏报)", "more found than declared", "M20", "found - declared > tolerance x found", _APPLICANT),
    "DEC-02": Kind(
        _I,
        "申报不符(多报)",
        "more declared than found",
        "M20",
        "declared - found > tolerance x declared; of counts: declared > found",
        _APPLICANT,
    ),
    "DEC-03": Kind(
        _L,
        "申报与核定差额超限",
        "the income found exceeds the declared by more than the rules allow",
        "M20",
        "found total > declared total x (1 + tolerance)",
        _APPLICANT,
    ),
    "REL-01": Kind(
        _D, "近亲属备案(关系保/人情保)", "kin of an officer who handles the case, or of a village cadre", "C6", "declared as kin", _VISIT
    ),
    "DAT-01": Kind(
        _Q, "未反馈", "no usable answer: this is not a statement that there is nothing", "M3", "a required cell is no fact", _SOURCE
    ),
    "DAT-02": Kind(_Q, "数据过期", "the answer is too old to be counted", "M29", "as-of day older than the source's limit", _SOURCE),
    "DAT-03": Kind(
        _Q, "来源间冲突", "registers disagree about the same thing", "M6", "registers differ by more than the tolerance", _SOURCE
    ),
    "DAT-04": Kind(
        _Q,
        "格式/代码异常",
        "the answer was damaged or contradicted itself",
        "M3",
        "the answer cannot be read, or its parts contradict",
        _SOURCE,
    ),
    "DAT-05": Kind(_Q, "疑似重复记录", "one register gave the same row more than once", "M4", "equal rows in one answer", _SOURCE),
    "TIM-01": Kind(
        _I, "超时办结", "the report was there only after it was due", "C2", "day of conclusion > acceptance + working days", _SOURCE
    ),
}
