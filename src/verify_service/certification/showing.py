"""The certificate as a person reads it: failures and what was not judged first in mind, hence coloured; the rest in order."""

from rich.console import Console
from rich.table import Table

from verify_service.certification.certificate import Certificate

_COLOURS = {"passed": "green", "failed": "red", "not_judged": "yellow"}


def show(certificate: Certificate, console: Console) -> None:
    """Print the table and the verdict."""
    table = Table(title=f"{certificate.source}, contract {certificate.contract_version}")
    for column in ("verdict", "check", "case", "expected", "got"):
        table.add_column(column, overflow="fold")
    for line in certificate.lines:
        verdict = f"[{_COLOURS[line.verdict]}]{line.verdict.replace('_', ' ')}[/]"
        table.add_row(verdict, line.check, line.case, line.expected, line.got)
    console.print(table)
    if certificate.undeclared:
        console.print(f"no case declares: {', '.join(certificate.undeclared)}")
    failed = sum(line.verdict == "failed" for line in certificate.lines)
    console.print("[bold green]PASSED[/]" if certificate.passed else f"[bold red]FAILED[/]: {failed} of {len(certificate.lines)} lines")
