"""A package of somebody else's, written to a folder and put on the path: an eighth source with two kinds of its own."""

from pathlib import Path

SOURCE = """
id = "insurance_hub"
title = "Commercial insurance"
title_zh = "商业保险"
authority = "示例保险信息中心"
legal_basis = "社会救助暂行办法 第五十八条"
kinds = ["insurance", "union_aid"]
mode = "immediate"
protocol = "REST/JSON"
level = "province"
region = "990000"
contract_version = "1"
subjects_per_call = 10
stale_after_days = 35

[quota]
per_second = 10
per_day = 1000

[further.insurance]
title = "Cash value of insurance"
title_zh = "商业保险现金价值"
section = "property"
figure = "financial_assets"

[further.union_aid]
title = "Aid of the trade union"
title_zh = "工会帮扶"
section = "benefits"

[findings.INS-01]
severity = "D"
text_zh = "持有商业保险"
text_en = "an insurance with a cash value is held"
rule = "M14"
"""

ADAPTER = """
from importlib.resources import files

from verify_service.domain.records import UNTOLD, FurtherRecord, RecordStatus, Worth
from verify_service.sources.adapter import WireRequest
from verify_service.sources.definition import load_source
from verify_service.sources.exact import Day
from verify_service.sources.reading import answered, read_json
from pydantic import TypeAdapter
import orjson

DAY = TypeAdapter(Day)


class InsuranceAdapter:
    source = load_source(files(__package__) / "source.toml")

    async def ask(self, questions, client):
        asked = orjson.dumps([[q.subject.id_number.reveal(), q.subject.name] for q in questions])
        exchange = await client.fetch(lambda: WireRequest("ask", "POST", "/policies", expect="application/json", body=asked))
        return self.read(questions, [exchange])

    def read(self, questions, exchanges):
        found = read_json(exchanges[-1].body)
        return [_answer(q, found[q.subject.id_number.reveal()], exchanges) for q in questions]


def _answer(question, person, exchanges):
    records = [_record(row) for row in person["rows"]]
    return answered(question, records, as_of=DAY.validate_python(person["as_of"]), exchanges=exchanges)


def _record(row):
    if "aid" in row:
        return FurtherRecord(source_key=row["no"], status=RecordStatus.CURRENT, kind="union_aid", fields={"amount_fen": row["aid"]})
    worth = UNTOLD if row["cash"] is None else Worth.of(row["cash"])
    return FurtherRecord(
        source_key=row["no"], status=RecordStatus.CURRENT, kind="insurance", fields={"insurer": row["insurer"]},
        worth=worth, holders=row.get("holders", 1), findings=("INS-01",),
    )
"""

REGISTER = """
import json

from verify_service.sources.register import RegisterReply, Simulation


class InsuranceRegister:
    def __init__(self, world):
        self._world = world

    def reply(self, request):
        people = json.loads(request.body)
        found = {number: self._person(number, name) for number, name in people}
        body = json.dumps(found, ensure_ascii=False).encode()
        return RegisterReply(200, {"Content-Type": "application/json"}, body, people=list(found))

    def _person(self, number, name):
        entry = self._world.entry(number, name)
        drawn = [] if self._world.draws(number).happens(0) else []
        return {"as_of": entry.as_of.isoformat(), "rows": entry.case.wire["rows"] if entry.case else drawn}


SIMULATION = Simulation(lambda world, _: InsuranceRegister(world), {})
"""

CASES = {
    "father": (
        "990101197905120019",
        "王示范",
        '[{"no": "P1", "insurer": "示例人寿", "cash": 1000000, "holders": 2}, {"no": "A1", "aid": 50000}]',
    ),
    "mother": ("990101198109230027", "李示例", '[{"no": "P1", "insurer": "示例人寿", "cash": 1000000, "holders": 2}]'),
    "child": ("990101200908300036", "王小例", "[]"),
    "grandmother": ("990101195506010040", "赵示云", '[{"no": "P2", "insurer": "示例人寿", "cash": null}]'),
}
CASE = """
title: {name}
person: {{id_number: "{number}", name: {person}}}
wire: {{rows: {rows}}}
expected: {{code: answered.records}}
"""


def install(folder: Path) -> Path:
    """Write the package with its distribution's entry points; return the folder to put on the path."""
    package = folder / "stranger" / "insurance_hub"
    (package / "cases").mkdir(parents=True)
    files = {"__init__.py": "", "../__init__.py": "", "source.toml": SOURCE, "adapter.py": ADAPTER, "register.py": REGISTER}
    for name, (number, person, rows) in CASES.items():
        files[f"cases/{name}.yaml"] = CASE.format(name=name, number=number, person=person, rows=rows)
    for name, text in files.items():
        (package / name).write_text(text, "utf-8")
    about = folder / "stranger-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n", "utf-8")
    (about / "entry_points.txt").write_text(
        "[verify_service.adapters]\ninsurance_hub = stranger.insurance_hub.adapter:InsuranceAdapter\n"
        "[verify_service.registers]\ninsurance_hub = stranger.insurance_hub.register:SIMULATION\n",
        "utf-8",
    )
    return folder
