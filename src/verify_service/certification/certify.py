"""The story of a certificate: every case, then, with people whose cases passed, every misbehaviour."""

import asyncio
from collections.abc import Mapping, Sequence

from verify_service.certification.cases import judge
from verify_service.certification.certificate import Certificate, Line, not_judged
from verify_service.certification.checks import Bench, Known, checks
from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.sources.cases import Case
from verify_service.verification.plan import local_day


async def certify(bench: Bench, cases: Mapping[str, Case]) -> Certificate:
    """Judge one source, at the bench's pace."""
    source, today = bench.asker.adapter.source, local_day(bench.asker.clock())
    answers = await asyncio.gather(*(bench.ask_at(bench.endpoint, case, bench.deadline_seconds) for case in cases.values()))
    lines = [judge(name, case, asked, source, today) for (name, case), asked in zip(cases.items(), answers, strict=True)]
    known = [
        Known(line.case, cases[line.case], asked)
        for line, asked in zip(lines, answers, strict=True)
        if line.verdict == "passed" and cases[line.case].fault is None
    ]
    return Certificate(source.id, source.contract_version, [*lines, *await _checks(bench, known)])


async def _checks(bench: Bench, known: Sequence[Known]) -> Sequence[Line]:
    """Choose who is asked about: found with the fewest records, somebody else, and who takes the most pages."""
    found = sorted((k for k in known if k.asked.code is OutcomeCode.RECORDS), key=lambda k: (len(k.asked.answer.records), k.name))
    answered = [k for k in known if k.asked.code.outcome_class is OutcomeClass.ANSWERED]
    other = next((k for k in answered if found and k.marker != found[0].marker), None)
    if other is None:
        return [not_judged("misbehaviour", "no two people whose cases passed, one of them with records")]
    fewest, many = min(k.asked.steps for k in answered), max(answered, key=lambda k: k.asked.steps)
    return await checks(bench, found[0], other, many if many.asked.steps > fewest else None)
