"""Which questions may be asked: one cell for every member and source, each asked, or not asked with a reason.

先授权、后核对: a cell is asked only under a consent or legal basis that is live at this instant.
"""

import hashlib
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

import orjson

from verify_service.domain.consent import Ground, LegalBasis, Obstacle, Occasion, number_of
from verify_service.domain.household import Member
from verify_service.domain.identity import name_as_asked
from verify_service.domain.outcome import Answer, Basis, Outcome, OutcomeCode, Question, Subject
from verify_service.domain.request import VerificationRequest
from verify_service.errors import NoConsent

CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Asker:
    """In whose name the questions are asked, and for which report version: a question that is asked again is another question."""

    tenant: str
    verification_id: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Questions per source in the household's order, and the answers that are known without asking.

    `required` holds the ids of the questions that must end as facts before the report is final.
    """

    asked: Mapping[str, Sequence[Question]]
    unasked: Sequence[Answer]
    required: frozenset[str]

    @property
    def questions(self) -> dict[str, Question]:
        """Return every question by id, asked or not."""
        known = {a.question.id: a.question for a in self.unasked}
        return known | {q.id: q for group in self.asked.values() for q in group}

    def only(self, cells: Container[tuple[str, str]]) -> "Plan":
        """Return the plan for these cells (member, source) alone."""
        groups = {source: [q for q in group if (q.member, q.source) in cells] for source, group in self.asked.items()}
        unasked = [a for a in self.unasked if (a.question.member, a.question.source) in cells]
        return Plan({source: group for source, group in groups.items() if group}, unasked, self.required)


def local_day(instant: datetime) -> date:
    """Return the calendar day of an instant at +08:00; every date of the field is meant there."""
    return instant.astimezone(CHINA).date()


def plan(
    request: VerificationRequest,
    *,
    asker: Asker,
    sources: Collection[str],
    connected: Container[str],
    at: datetime,
    asked_at: Mapping[str, datetime] | None = None,
) -> Plan:
    """Lay out every cell. A source that is known here but not connected is 未接入, never left out. Raises NoConsent.

    Grounds must live at the instant of asking: `at`, or for a source that has been asked already its instant in `asked_at`.

    NoConsent: not one cell has a live consent or legal basis, so nothing may be asked.
    """
    asked: dict[str, list[Question]] = {}
    unasked: list[Answer] = []
    required: set[str] = set()
    wanted = set(request.sources) if request.sources is not None else None
    instants = {source: (asked_at or {}).get(source, at) for source in sources}
    permits = {(m.ref, instant): Permits.of(request, m, instant) for m in request.household.members for instant in {*instants.values()}}
    askings = [Asking.about(member, request, asker) for member in request.household.members]
    permitted = False
    for source in sources:
        for asking in askings:
            ground, obstacle = permits[asking.member, instants[source]].ground(source)
            question = asking.question(source, ground)
            if wanted is not None and source not in wanted:
                unasked.append(Answer(question, Outcome(OutcomeCode.NOT_REQUIRED, detail="source left out of the request")))
                continue
            required.add(question.id)
            if ground is None:
                unasked.append(Answer(question, Outcome(OutcomeCode.NO_CONSENT, failed_by="us", detail=f"consent: {obstacle}")))
                continue
            permitted = True
            if source in connected:
                asked.setdefault(source, []).append(question)
            else:
                unasked.append(
                    Answer(question, Outcome(OutcomeCode.NOT_CONNECTED, failed_by="us", detail="no endpoint in this deployment"))
                )
    if not permitted:
        raise NoConsent
    return Plan(asked=asked, unasked=unasked, required=frozenset(required))


def may_ask(request: VerificationRequest, *, sources: Iterable[str], at: datetime) -> bool:
    """Say whether one cell at least may be asked; without one, the plan raises NoConsent."""
    wanted = [source for source in sources if request.sources is None or source in request.sources]
    permits = (Permits.of(request, member, at) for member in request.household.members)
    return any(permit.ground(source)[0] is not None for permit in permits for source in wanted)


@dataclass(frozen=True, slots=True)
class Permits:
    """One member's grounds that are live at an instant, by number, and what stops the first of those that are not."""

    live: Sequence[Ground]
    obstacle: Obstacle

    @classmethod
    def of(cls, request: VerificationRequest, member: Member, at: datetime) -> "Permits":
        """Hold every ground of the member against this occasion."""
        today = local_day(at)
        family = frozenset(m.ref for m in request.household.members)
        occasion = Occasion(request.purpose, request.trigger, at, today, family, member.needs_guardian(today))
        grounds: list[Ground] = [*request.consents, *request.legal_bases]
        own = sorted((ground for ground in grounds if ground.member == member.ref), key=number_of)
        obstacles = [(ground, ground.obstacle(occasion)) for ground in own]
        stopped: Obstacle = next((obstacle for _, obstacle in obstacles if obstacle is not None), "none_given")
        return cls([ground for ground, obstacle in obstacles if obstacle is None], stopped)

    def ground(self, source: str) -> tuple[Ground | None, Obstacle]:
        """Return the ground that permits asking the source, the first by number; else what stops it."""
        for ground in self.live:
            if ground.covers(source):
                return ground, "source"
        return None, "source" if self.live else self.obstacle


@dataclass(frozen=True, slots=True)
class Asking:
    """What all questions about one member have in common. `bound` is what their digests cover beside source and ground."""

    request: VerificationRequest
    asker: Asker
    member: str
    subject: Subject
    bound: Mapping[str, object]

    @classmethod
    def about(cls, member: Member, request: VerificationRequest, asker: Asker) -> "Asking":
        """Lay out what does not depend on the source."""
        subject = Subject(member.id_number, name_as_asked(member.name), tuple(map(name_as_asked, member.former_names)))
        bound = {
            "verification": asker.verification_id,
            "tenant": asker.tenant,
            "member": member.ref,
            "id_number": member.id_number.reveal(),
            "name": subject.name,
            "purpose": request.purpose,
            "income": [request.income_period.first, request.income_period.last],
            "as_of": request.asset_as_of,
        }
        if subject.former_names:
            bound["former_names"] = subject.former_names
        if asker.version > 1:
            bound["version"] = asker.version
        return cls(request, asker, member.ref, subject, bound)

    def question(self, source: str, ground: Ground | None) -> Question:
        """Build the question; its digest covers everything that could change the answer, and is salted by the verification id."""
        request, number = self.request, "" if ground is None else number_of(ground)
        bound = {**self.bound, "source": source, "ground": number}
        digest = hashlib.sha256(orjson.dumps(bound, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return Question(
            id=digest[:24],
            member=self.member,
            subject=self.subject,
            source=source,
            tenant=self.asker.tenant,
            purpose=request.purpose,
            consent=number,
            basis=_basis(ground),
            income_from=request.income_period.first,
            income_to=request.income_period.last,
            as_of=request.asset_as_of,
            digest=digest,
        )


def _basis(ground: Ground | None) -> Basis:
    return "legal_basis" if isinstance(ground, LegalBasis) else "consent"
