"""Verify one household: the story, top to bottom. And its continuation, when a deferred register answers later."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Protocol

from verify_service.domain.amendment import Amendment, GapClosure, Made
from verify_service.domain.outcome import Answer, Question
from verify_service.domain.policy import Policies, Policy
from verify_service.domain.report import Report
from verify_service.domain.report.header import Reason
from verify_service.domain.request import VerificationRequest
from verify_service.errors import NoConsent
from verify_service.sources.definition import Source
from verify_service.verification.amend import amended, completed, objected
from verify_service.verification.compose import Header, compose
from verify_service.verification.fanout import Ask, Call, Channel, fan_out
from verify_service.verification.further import asset_kinds
from verify_service.verification.grouping import Grouping
from verify_service.verification.merge import merge
from verify_service.verification.plan import Asker, Plan, local_day, plan

# Acts after which the household is told what it was not told before: what a register says now, what declared facts are compared with.
_TELLING = frozenset({"objection", "correction"})


class SignedBytes(Protocol):
    """What signing gives back: the canonical bytes, the compact JWS over them, and their SHA-256."""

    @property
    def payload(self) -> bytes:
        """Return the canonical bytes of the report."""

    @property
    def jws(self) -> str:
        """Return the compact JWS."""

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the payload in hexadecimal."""

    @property
    def kid(self) -> str:
        """Return the id of the key that signed."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that breaks no rule, with its questions laid out under the id that the verification will have."""

    request: VerificationRequest = field(repr=False)
    verification_id: str
    plan: Plan = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """An accepted verification, held under `fence` by this process. `plan`: its questions, if it was admitted here.

    `request_no` is the number by which people know it (核对编号).
    """

    tenant: str
    client_id: str
    verification_id: str
    request: VerificationRequest = field(repr=False)
    fence: int
    accepted_at: datetime
    request_no: str | None = None
    plan: Plan | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Previous:
    """The report version that a new one replaces, with the answers and amendments it was made from.

    `objection_until`: the last day to object to it, where an act of an officer may leave that as it is. `concluded_on`: the
    day on which its answers were there, likewise; None where that is not known.
    """

    report_id: str
    version: int
    answers: Sequence[Answer] = field(repr=False)
    made: Sequence[Made] = field(default=(), repr=False)
    objection_until: date | None = None
    concluded_on: date | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A composed and signed report version, ready to be issued.

    `answers` are all of them; `changed` those that are new since the version before; `calls` the new ones; `made` is the
    amendment that this version is the fruit of.
    """

    job: Job
    report: Report = field(repr=False)
    signed: SignedBytes = field(repr=False)
    answers: Sequence[Answer] = field(repr=False)
    calls: Sequence[Call] = field(repr=False)
    issued_at: datetime
    changed: Sequence[Answer] = field(repr=False)
    made: Made | None = None


class Spans(Protocol):
    """Who traces the questions of a verification."""

    def asking(self, job: Job, unasked: Sequence[Answer], ask: Ask) -> Ask:
        """Tell of what is not asked, and return `ask` with a span for every question."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Everything a verification needs, none of it a global. `channels` reach those of the known `sources` that are connected."""

    sources: Mapping[str, Source]
    channels: Mapping[str, Channel]
    policies: Policies
    sign: Callable[[Mapping[str, Any]], SignedBytes]
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    issuer: str
    grouping: Grouping = field(default_factory=Grouping)
    asset_kinds: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Look once for the kinds by which amounts may be declared: every request is held against them."""
        object.__setattr__(self, "asset_kinds", asset_kinds(self.sources.values()))

    def plan(
        self,
        job_request: VerificationRequest,
        *,
        tenant: str,
        verification_id: str,
        at: datetime,
        version: int = 1,
        asked_at: Mapping[str, datetime] | None = None,
    ) -> Plan:
        """Lay out the questions of a report version. Raises NoConsent before anything is asked.

        `asked_at`: when sources were asked that have been asked already.
        """
        asker = Asker(tenant, verification_id, version)
        return plan(job_request, asker=asker, sources=self.sources, connected=self.channels, at=at, asked_at=asked_at)

    def plan_some(self, job: Job, sources: Collection[str], *, at: datetime) -> Plan:
        """Lay out the questions of a first version to some sources alone. Raises NoConsent when none of them may be asked."""
        return plan(job.request, asker=Asker(job.tenant, job.verification_id), sources=sources, connected=self.channels, at=at)

    async def verify(self, job: Job, *, deadline: float, spans: Spans | None = None) -> Verified:
        """Ask every permitted source about every member, and say what was, and was not, answered."""
        planned = job.plan or self.plan(job.request, tenant=job.tenant, verification_id=job.verification_id, at=self.clock())
        ask = self.grouping.asker(job.client_id)
        if spans is not None:
            ask = spans.asking(job, planned.unasked, ask)
        calls = await fan_out(planned.asked, channels=self.channels, deadline=deadline, ask=ask)
        answers = [*planned.unasked, *(a for call in calls for a in call.answers)]
        return self._report(job, answers, calls, replaces=None)

    def renew(self, job: Job, calls: Sequence[Call], previous: Previous) -> Verified:
        """Make the next version from the previous answers and the calls that were answered later."""
        late = [answer for call in calls for answer in call.answers]
        return self._report(job, completed(previous.answers, late), calls, replaces=previous)

    def may_ask(self, job: Job, questions: Sequence[Question], made: Sequence[Made]) -> bool:
        """Say whether every one of these questions still has its live consent or legal basis."""
        try:
            planned = self.plan(amended(job.request, made), tenant=job.tenant, verification_id=job.verification_id, at=self.clock())
        except NoConsent:
            return False
        live = {(q.member, q.source, q.consent) for group in planned.asked.values() for q in group}
        return live.issuperset((q.member, q.source, q.consent) for q in questions)

    def version(self, job: Job, answers: Sequence[Answer], *, replaces: Previous | None = None) -> Verified:
        """Make a version from answers to questions that were asked together with those of other households."""
        return self._report(job, answers, (), replaces=replaces)

    def amend(
        self, job: Job, previous: Previous, amendment: Amendment, *, answers: Sequence[Answer] | None = None, calls: Sequence[Call] = ()
    ) -> Verified:
        """Make the next version from what an officer did; `answers` when it changed them, `calls` when it asked for that."""
        made = Made(previous.version + 1, self.clock(), amendment)
        return self._report(job, previous.answers if answers is None else answers, calls, replaces=previous, made=made)

    def compose(
        self, job: Job, answers: Sequence[Answer], header: Header, made: Sequence[Made] = (), *, rules_of: date | None = None
    ) -> Report:
        """Merge and compose: pure, the same answers, amendments and header give the same report.

        `rules_of`: under the rules of another day than the request's. Raises InvalidInput when none cover the request then.
        """
        request = amended(job.request, made)
        policy = self._policy(request, rules_of)
        merged = merge(request, answers, policy=policy, sources=self.sources)
        return compose(request, merged, header=header, policy=policy, sources=self.sources, made=made)

    def _policy(self, request: VerificationRequest, rules_of: date | None = None) -> Policy:
        """Return the rules for the request's day; of another day they still speak of the request's (ages, look-back)."""
        policy = self.policies.in_force(request.region, request.purpose, rules_of or request.asset_as_of)
        return replace(policy, day=request.asset_as_of)

    def _report(
        self, job: Job, answers: Sequence[Answer], calls: Sequence[Call], *, replaces: Previous | None, made: Made | None = None
    ) -> Verified:
        for call in calls:
            if call.source in self.channels:
                self.channels[call.source].runtime.status.settled(call.answers)
        issued_at = self.clock() if made is None else made.at
        policy = self._policy(job.request)
        before = Previous("", 0, ()) if replaces is None else replaces
        known = {a.question.id: a for a in before.answers}
        changed = [a for a in answers if known.get(a.question.id) is not a]
        header = Header(
            report_id=self.new_id(),
            verification_id=job.verification_id,
            request_no=job.request_no,
            version=1 if replaces is None else replaces.version + 1,
            issued_at=issued_at,
            issuer=self.issuer,
            valid_until=policy.valid_until(local_day(issued_at)),
            objection_until=_objection_until(policy, issued_at, replaces, made),
            replaces=None if replaces is None else replaces.report_id,
            reason=_reason(calls, replaces, made),
            accepted_on=local_day(job.accepted_at),
            due_on=policy.due_on(local_day(job.accepted_at)),
            concluded_on=_concluded_on(issued_at, replaces, made, changed),
        )
        report = self.compose(job, answers, header, before.made if made is None else [*before.made, made])
        return Verified(job, report, self.sign(report), answers, calls, issued_at, changed, made)


def _objection_until(policy: Policy, issued_at: datetime, replaces: Previous | None, made: Made | None) -> date:
    """Return the last day to object. The window opens when something is told for the first time; an act that tells nothing keeps it."""
    if made is not None and made.amendment.kind not in _TELLING and replaces is not None and replaces.objection_until is not None:
        return replaces.objection_until
    return policy.objection_until(local_day(issued_at))


def _concluded_on(issued_at: datetime, replaces: Previous | None, made: Made | None, changed: Sequence[Answer]) -> date | None:
    """Return the day on which the report was there: of its last own answers, or of the act that closed its own gaps.

    What an objection asks again has no day on which it is due, and no other act makes a report late that was in time.
    """
    if replaces is None:
        return local_day(issued_at)
    told: Sequence[str]
    if made is None:
        told = [f"{a.question.member}:{a.question.source}" for a in changed]
    elif isinstance(made.amendment, GapClosure):
        told = made.amendment.gaps
    else:
        return replaces.concluded_on
    disputed = objected(replaces.made)
    return replaces.concluded_on if disputed and disputed.issuperset(told) else local_day(issued_at)


def _reason(calls: Sequence[Call], replaces: Previous | None, made: Made | None) -> Reason:
    if replaces is None:
        return "first_issue"
    if made is not None:
        return made.amendment.kind
    return "late_answer" if any(call.readable for call in calls) else "waiting_ended"
