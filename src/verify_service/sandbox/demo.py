"""The main job, shown: post the example family to a running sandbox, print what comes back, wait for the versions after it, verify each.

Everything goes over HTTP, as a welfare system would do it; the signature is checked with the published key set only.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
from rich.console import Console
from rich.table import Table

from verify_service.signing.verification import verify

_SHORT = {"answered.records": "records", "answered.no_record": "no record", "pending.source_answers_later": "pending"}
_PATIENCE = timedelta(seconds=60)


async def run_demo(access: Mapping[str, str], request: bytes, folder: Path, console: Console) -> None:
    """Run the whole story against `access` (base_url, access_token). Raises what fails: a demo that goes wrong says so."""
    headers = {"authorization": f"Bearer {access['access_token']}", "content-type": "application/json"}
    async with httpx.AsyncClient(base_url=access["base_url"], headers=headers, timeout=30, trust_env=False) as http:
        console.rule("POST /v1/verifications")
        answer = _json(await http.post("/v1/verifications", content=request, headers={"prefer": "wait=20"}))
        keys = _json(await http.get("/.well-known/jwks.json"))
        report = _present(console, answer, keys, folder)
        while any(cell["next_look"] for cell in report["coverage"]):
            console.rule("waiting for the deferred registers")
            answer = await _next_version(http, answer["report"]["header"])
            before, report = report, _present(console, answer, keys, folder)
            _show_changes(console, before, report)


def _present(console: Console, answer: Mapping[str, Any], keys: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Show, save and verify a version; return its report."""
    report: Mapping[str, Any] = answer["report"]
    _show(console, report)
    _save_and_verify(console, answer, keys, folder / f"report-v{report['header']['version']}.json")
    return report


def _json(response: httpx.Response) -> Any:
    response.raise_for_status()
    return orjson.loads(response.content)


async def _next_version(http: httpx.AsyncClient, known: Mapping[str, Any]) -> Any:
    async with asyncio.timeout(_PATIENCE.total_seconds()):
        while True:
            report_id = _json(await http.get(f"/v1/verifications/{known['verification_id']}"))["verification"]["report_id"]
            if report_id != known["report_id"]:
                return _json(await http.get(f"/v1/reports/{report_id}", headers={"accept": "application/json"}))
            await asyncio.sleep(0.2)


def _show(console: Console, report: Mapping[str, Any]) -> None:
    header = report["header"]
    console.print(f"核对编号 {header['request_no']}")
    console.print(f"[bold]report version {header['version']}: {header['state']}[/bold], usable for {header['usable_for']}")
    console.print(_matrix(report))
    console.print(_lines(report))
    for finding in report["findings"]:
        where = " x ".join(filter(None, (finding["member"], finding["source"])))
        console.print(f"  {finding['severity']}  {finding['code']}  {finding['text_zh']}  {finding['text_en']}  {where}")


def _matrix(report: Mapping[str, Any]) -> Table:
    """Lay the matrix out with a row for each source: there are more sources than members, and a terminal is narrow."""
    cells = {(c["member"], c["source"]): c["outcome"] for c in report["coverage"]}
    members = list(dict.fromkeys(member for member, _ in cells))
    table = Table(title="member x source")
    for column in ("source", *members):
        table.add_column(column, overflow="fold")
    for source in dict.fromkeys(source for _, source in cells):
        table.add_row(source, *(_SHORT.get(cells[m, source], cells[m, source]) for m in members))
    return table


def _lines(report: Mapping[str, Any]) -> Table:
    table = Table(title="figures beside the lines in force (compared, not decided)")
    for column in ("line", "measured", "line value", "result"):
        table.add_column(column, overflow="fold")
    for line in report["lines"]:
        table.add_row(line["title_zh"], _interval(line["measured"], line["unit"]), _quantity(line["line"], line["unit"]), line["result"])
    return table


def _interval(measured: Mapping[str, Any], unit: str) -> str:
    lower, upper = measured[f"lower_{unit}"], measured[f"upper_{unit}"]
    if measured["complete"]:
        return _quantity(lower, unit)
    missing = ", ".join(sorted({cell.partition(":")[2] for cell in measured["missing"]}))
    return f"from {_quantity(lower, unit)} to {'unknown' if upper is None else _quantity(upper, unit)}; unanswered: {missing}"


def _quantity(value: int, unit: str) -> str:
    match unit:
        case "fen":
            return f"{value // 100:,}.{value % 100:02} yuan"
        case "cm2":
            return f"{value // 10_000}.{value % 10_000 // 100:02} m2"
        case _:
            return str(value)


def _save_and_verify(console: Console, answer: Mapping[str, Any], keys: Mapping[str, Any], file: Path) -> None:
    verified = verify(answer["jws"], keys)
    if orjson.loads(verified.payload) != answer["report"]:
        raise ValueError("the report shown is not the report signed")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
    console.print(f"[green]signature valid[/green] (key {verified.kid}); report in {file}")


def _show_changes(console: Console, first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    console.rule(f"what changed from version {first['header']['version']} to version {second['header']['version']}")
    before = {(c["member"], c["source"]): c["outcome"] for c in first["coverage"]}
    for cell in second["coverage"]:
        old = before[cell["member"], cell["source"]]
        if old != cell["outcome"]:
            console.print(f"  {cell['member']} x {cell['source']}: {old} -> {cell['outcome']}")
    old_codes = {(f["code"], f.get("member"), f.get("source")) for f in first["findings"]}
    new_codes = {(f["code"], f.get("member"), f.get("source")) for f in second["findings"]}
    for sign, keys in (("-", old_codes - new_codes), ("+", new_codes - old_codes)):
        for code, member, source in sorted(keys, key=str):
            console.print(f"  {sign} finding {code} {member or ''} {source or ''}")
