"""Households and answers in domain words: `answers(request, father={"vehicle": [car()]}, mother={"pension": OutcomeCode.TIMEOUT})`.

Everything that is not said is the quiet case: a source that was asked and has no record. All people are invented: their
numbers begin with 99, which no place has.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from tests.records import AS_OF, contribution, employee, fund, resident_pension
from verify_service.domain.amendment import Made
from verify_service.domain.codes import Purpose, Role
from verify_service.domain.identity import IdNumber, check_character
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question, Subject
from verify_service.domain.policy import Policies, Policy, load_policies
from verify_service.domain.records import Record
from verify_service.domain.report import Report
from verify_service.domain.request import VerificationRequest
from verify_service.sources.definition import Quota, Source
from verify_service.verification.amend import amended
from verify_service.verification.compose import Header, compose
from verify_service.verification.merge import Merged, merge

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
KINDS = {
    "vehicle": ("vehicle",),
    "property": ("property",),
    "securities": ("securities",),
    "business_registration": ("business",),
    "housing_fund": ("housing_fund",),
    "pension": ("contribution", "benefit"),
}
Said = Sequence[Record] | OutcomeCode


def source(name: str, kinds: tuple[str, ...] | None = None, **facts: Any) -> Source:
    """Build a register's facts."""
    given: dict[str, Any] = {
        "title": name,
        "title_zh": name,
        "authority": "示例省某厅",
        "legal_basis": "示例省社会救助条例",
        "mode": "immediate",
        "protocol": "test",
        "level": "province",
        "region": "990000",
        "contract_version": "1",
        "subjects_per_call": 10,
        "stale_after_days": 31,
        "quota": Quota(per_second=10, per_day=1000),
    }
    return Source(id=name, kinds=kinds or KINDS[name], **(given | facts))


SOURCES: Mapping[str, Source] = {name: source(name) for name in KINDS}


def id_number(birth: str = "19800101", sequence: int = 1, region: str = "990101") -> IdNumber:
    """Build an identity number that can belong to nobody."""
    body = f"{region}{birth}{sequence:03d}"
    return IdNumber.parse(body + check_character(body))


def example_request(**changes: Any) -> VerificationRequest:
    """Return examples/household.json, the household of the worked example, with top-level fields changed."""
    given = json.loads((ROOT / "examples" / "household.json").read_text(encoding="utf-8"))
    return VerificationRequest.model_validate_json(json.dumps(given | changes))


def without_income(request: VerificationRequest) -> VerificationRequest:
    """Return the request in which nobody declares any income or asset, so that registers without a record agree with it."""
    given = request.model_dump(mode="json")
    given["household"]["declared_assets"] = {"vehicles": 0, "homes": 0}
    for member in given["household"]["members"]:
        member["declared_income"] = None
    return VerificationRequest.model_validate_json(json.dumps(given))


def declaring(request: VerificationRequest, **assets: int) -> VerificationRequest:
    """Return the request with these declared assets changed."""
    given = request.model_dump(mode="json")
    given["household"]["declared_assets"] |= assets
    return VerificationRequest.model_validate_json(json.dumps(given))


def with_members(request: VerificationRequest, *more: dict[str, Any]) -> VerificationRequest:
    """Return the request with persons added to the household."""
    given = request.model_dump(mode="json")
    given["household"]["members"] += more
    return VerificationRequest.model_validate_json(json.dumps(given))


def person(ref: str, sequence: int, role: Role = Role.MEMBER, **fields: Any) -> dict[str, Any]:
    """Return one more person for `with_members`."""
    number = id_number(sequence=sequence).reveal()
    return {"ref": ref, "id_number": number, "name": f"示例·{ref}", "role": role.value, "relation": "70"} | fields


@cache
def policies() -> Policies:
    """Return the shipped packs, read once."""
    return load_policies(ROOT / "policies")


def policy(region: str = "990101", purpose: str = "01", day: date = AS_OF) -> Policy:
    """Return the shipped rules for one region."""
    return policies().in_force(region, Purpose(purpose), day)


def answers(request: VerificationRequest, sources: Iterable[str] = tuple(KINDS), **said: Mapping[str, Said]) -> list[Answer]:
    """Return one answer for every member and source; what is not said is answered with "no record"."""
    members = [member.ref for member in request.household.members]
    return [answer(request, ref, name, said.get(ref, {}).get(name, ())) for ref in members for name in sources]


def answer(request: VerificationRequest, ref: str, name: str, said: Said = (), **outcome: Any) -> Answer:
    """Return one answer: records, "no record" when there are none, or another outcome."""
    member = next(m for m in request.household.members if m.ref == ref)
    code = said if isinstance(said, OutcomeCode) else OutcomeCode.RECORDS if said else OutcomeCode.NO_RECORD
    digest = (f"{sum(f'{ref}:{name}'.encode()):x}" * 64)[:64]
    given = Outcome(code, attempts=1, asked_at=NOW, answered_at=NOW, as_of=AS_OF, answer_digests=(digest,))
    question = Question(
        id=f"{ref}:{name}",
        member=ref,
        subject=Subject(member.id_number, member.name),
        source=name,
        tenant="test",
        purpose=request.purpose.value,
        consent="SQ-1",
        income_from=request.income_period.first,
        income_to=request.income_period.last,
        as_of=request.asset_as_of,
        digest=digest,
    )
    return Answer(question, replace(given, **outcome), () if isinstance(said, OutcomeCode) else tuple(said))


def merged(request: VerificationRequest, given: Sequence[Answer], sources: Mapping[str, Source] = SOURCES) -> Merged:
    """Merge under the shipped rules of the request's region."""
    return merge(request, given, policy=policy(request.region, request.purpose.value), sources=sources)


HEADER = Header(
    report_id="01900000-0000-7000-8000-000000000001",
    verification_id="01900000-0000-7000-8000-000000000002",
    version=1,
    issued_at=NOW,
    issuer="示例省核对中心",
    valid_until=date(2027, 2, 22),
    objection_until=date(2026, 12, 1),
)


def report(
    request: VerificationRequest,
    given: Sequence[Answer],
    header: Header = HEADER,
    sources: Mapping[str, Source] = SOURCES,
    made: Sequence[Made] = (),
) -> Report:
    """Merge and compose under the shipped rules of the request's region, after what officers did."""
    rules = policy(request.region, request.purpose.value)
    request = amended(request, made)
    whole = merge(request, given, policy=rules, sources=sources)
    return compose(request, whole, header=header, policy=rules, sources=sources, made=made)


def worked_example(request: VerificationRequest, **said: Mapping[str, Said]) -> list[Answer]:
    """Return the answers of the worked example (domain reference C5), with more said about some members."""
    base: dict[str, dict[str, Said]] = {
        "father": {"housing_fund": [fund(480_000)], "pension": employee(449_400)},
        "mother": {"pension": [contribution("110", 449_400, 2000, employer=None, person_category="flexible")]},
        "grandmother": {"pension": [resident_pension()]},
    }
    return answers(request, **{m.ref: base.get(m.ref, {}) | dict(said.get(m.ref, {})) for m in request.household.members})
