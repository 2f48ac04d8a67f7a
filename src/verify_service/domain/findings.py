"""Findings (疑点与提示): what a person should look at. A finding never decides anything (只核对、不认定)."""

from dataclasses import dataclass
from enum import StrEnum

from verify_service.domain.interval import Exact, Interval, Unit


class Severity(StrEnum):
    """I 提示, D 疑点 (a person must look), L 超限 (a numeric line is passed), Q 数据质量."""

    NOTE = "I"
    DOUBT = "D"
    LIMIT = "L"
    QUALITY = "Q"


@dataclass(frozen=True, slots=True)
class Kind:
    """One finding code of domain reference C6: how serious, in both languages, and the rule behind it."""

    severity: Severity
    text_zh: str
    text_en: str
    rule: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `about` is the asset or line it speaks of; measured and line are in `unit`.

    own: what the code means, where a source brings it; None for a code of the catalogue.
    """

    code: str
    member: str | None = None
    source: str | None = None
    about: str = ""
    detail: str = ""
    measured: Interval | None = None
    line: Exact | None = None
    unit: Unit | None = None
    evidence: tuple[str, ...] = ()
    own: Kind | None = None

    @property
    def kind(self) -> Kind:
        """Return what the code means."""
        return self.own or CATALOGUE[self.code]

    @property
    def order(self) -> tuple[str, ...]:
        """Return the canonical position in a report: by severity, then code, member, source, asset."""
        return (_RANK[self.kind.severity], self.code, self.member or "", self.source or "", self.about, self.detail)


_RANK = {Severity.LIMIT: "0", Severity.DOUBT: "1", Severity.QUALITY: "2", Severity.NOTE: "3"}
_I, _D, _L, _Q = Severity.NOTE, Severity.DOUBT, Severity.LIMIT, Severity.QUALITY

CATALOGUE: dict[str, Kind] = {
    "ID-02": Kind(_Q, "姓名与证件号不符", "the register knows this number under another name", "M2"),
    "ID-03": Kind(_D, "一人多证或重号", "the register finds more than one person", "M1"),
    "VEH-01": Kind(_L, "拥有机动车", "a vehicle where the programme allows none", "M11"),
    "VEH-02": Kind(_L, "车辆超限", "more vehicles than the line", "M11"),
    "VEH-03": Kind(_D, "营运车辆", "a vehicle used for business", "M11"),
    "VEH-04": Kind(_D, "近期转移车辆", "a vehicle was transferred out lately", "M7"),
    "VEH-05": Kind(_D, "未申报车辆", "more vehicles found than declared", "M7"),
    "VEH-06": Kind(_I, "豁免车辆", "a vehicle is exempt", "M11"),
    "PRO-01": Kind(_L, "多套房", "more homes than the line", "M9"),
    "PRO-02": Kind(_L, "人均面积超限", "living area per person over the line", "M10"),
    "PRO-03": Kind(_L, "非居住类房屋", "shop, office or garage over the line", "M10"),
    "PRO-04": Kind(_D, "网签未登记", "a presale contract without a certificate yet", "M10"),
    "PRO-05": Kind(_D, "近期转移不动产", "real property was given or sold lately", "M7"),
    "PRO-06": Kind(_I, "异地房产", "real property in another province", "M10"),
    "PRO-07": Kind(_Q, "共有份额不明", "the share of ownership is not known", "M8"),
    "PRO-08": Kind(_D, "未申报房产", "more homes found than declared", "M9"),
    "SEC-01": Kind(_D, "持有证券", "securities of value are held", "M14"),
    "SEC-02": Kind(_L, "金融资产超限", "financial assets over the line", "M14"),
    "SEC-03": Kind(_I, "空户", "a securities account without value", "M14"),
    "BUS-01": Kind(_D, "市场主体登记(法定代表人/经营者)", "registered as legal representative or trader", "M16"),
    "BUS-02": Kind(_D, "投资入股", "holds a share in a company", "M16"),
    "BUS-03": Kind(_L, "认缴出资超限", "subscribed capital over the line", "M16"),
    "BUS-04": Kind(_D, "高管任职", "holds an office in a company", "M16"),
    "BUS-05": Kind(_I, "吊销未注销", "licence revoked, entity not ended", "M16"),
    "BUS-06": Kind(_D, "疑似冒名登记", "says that the registration is not hers", "M16"),
    "BUS-07": Kind(_I, "合作社成员", "member of a cooperative", "M16"),
    "FUN-01": Kind(_D, "缴存公积金未申报就业", "housing fund is paid in, no employment declared", "M17"),
    "FUN-02": Kind(_D, "公积金大额提取", "a large sum was taken out of the housing fund", "M14"),
    "FUN-03": Kind(_D, "公积金贷款购房", "a housing loan, but no home declared", "M10"),
    "SOC-01": Kind(_D, "职工参保未申报就业", "insured as an employee, no employment declared", "M17"),
    "SOC-02": Kind(_I, "灵活就业高基数", "self-paid insurance on a high base", "M17"),
    "SOC-03": Kind(_Q, "同期多地参保", "insured in two regions at once", "M4"),
    "PEN-01": Kind(_D, "领取养老金未申报", "a pension is drawn, none declared", "M19"),
    "PEN-02": Kind(_D, "养老金与在职缴费并存", "draws a pension and contributes as an employee", "M19"),
    "PEN-03": Kind(_I, "待遇暂停", "a benefit is paused", "M19"),
    "PEN-04": Kind(_L, "重复领取养老待遇", "two pensions in the same month", "M19"),
    "INC-01": Kind(_L, "人均收入高于低保标准", "income per person over the dibao standard", "M24"),
    "INC-02": Kind(_L, "人均收入高于边缘线", "income per person over the edge line", "M24"),
    "INC-03": Kind(_Q, "收入证据冲突", "two registers disagree on the wage base", "M17"),
    "INC-04": Kind(_I, "以下限基数推定", "the wage estimate rests on a base at the floor", "M17"),
    "DEC-01": Kind(_D, "申报不符(漏报)", "more income found than declared", "M20"),
    "DEC-02": Kind(_I, "申报不符(多报)", "more income declared than found", "M20"),
    "DAT-01": Kind(_Q, "未反馈", "no usable answer: this is not a statement that there is nothing", "M3"),
    "DAT-02": Kind(_Q, "数据过期", "the answer is too old to be counted", "M29"),
    "DAT-03": Kind(_Q, "来源间冲突", "registers disagree about the same thing", "M6"),
    "DAT-04": Kind(_Q, "格式/代码异常", "the answer was damaged or contradicted itself", "M3"),
    "DAT-05": Kind(_Q, "疑似重复记录", "one register gave the same row more than once", "M4"),
}
"""What each code means. Issue by issue this grows to all of domain reference C6; a line in a policy may only name a code listed here."""
