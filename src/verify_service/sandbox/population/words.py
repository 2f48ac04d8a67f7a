"""Invented names of firms, banks and streets; none of them exists."""

BRANDS = ("青禾", "远山", "白鹭", "石桥", "晴岸", "归舟", "松溪", "望野", "平川", "长风")
BANKS = ("示例银行", "虚构银行", "样例农村商业银行")
STREETS = ("示范路", "样例街", "虚构巷", "假定大道", "测试里")
