"""The closed list of what can become of one question (member x source), and the answer that carries it.

| class | a fact? | ask again? |
|---|---|---|
| answered | yes | no |
| identity | no: says nothing about assets | no, a person must look |
| refused | no | no |
| unavailable | no | yes |
| invalid | no | once, then a person |
| stale | history only | yes |
| pending | no | wait |
| partial_answer | a lower bound | wait |
| not_asked | no | no |
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from verify_service.domain.identity import IdNumber
from verify_service.domain.records import Record
from verify_service.domain.swift import swift


class OutcomeClass(StrEnum):
    """The nine classes of the table above."""

    ANSWERED = "answered"
    IDENTITY = "identity"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    INVALID = "invalid"
    STALE = "stale"
    PENDING = "pending"
    PARTIAL_ANSWER = "partial_answer"
    NOT_ASKED = "not_asked"


class OutcomeCode(StrEnum):
    """Every value there is; anything else is a bug. The part before the dot is the class."""

    RECORDS = "answered.records"
    NO_RECORD = "answered.no_record"
    PERSON_NOT_FOUND = "identity.person_not_found"
    NAME_MISMATCH = "identity.name_mismatch"
    AMBIGUOUS = "identity.ambiguous"
    NO_CONSENT = "refused.no_consent"
    NOT_AUTHORISED = "refused.not_authorised"
    OUT_OF_SCOPE = "refused.out_of_scope"
    TIMEOUT = "unavailable.timeout"
    CONNECTION = "unavailable.connection"
    HTTP_5XX = "unavailable.http_5xx"
    RATE_LIMITED = "unavailable.rate_limited"
    BREAKER_OPEN = "unavailable.breaker_open"
    SHED = "unavailable.shed"
    MAINTENANCE = "unavailable.maintenance"
    NOT_CONNECTED = "unavailable.not_connected"
    TRUNCATED = "invalid.truncated"
    ENCODING = "invalid.encoding"
    SCHEMA = "invalid.schema"
    SIGNATURE = "invalid.signature"
    BINDING = "invalid.binding"
    LIMIT = "invalid.limit"
    CONTRADICTION = "invalid.contradiction"
    STALE = "stale.older_than"
    PENDING = "pending.source_answers_later"
    PARTIAL = "partial_answer.institutions"
    NOT_APPLICABLE = "not_asked.not_applicable"
    NOT_REQUIRED = "not_asked.not_required"
    CANCELLED = "not_asked.cancelled"
    QUOTA_DEFERRED = "not_asked.quota_deferred"

    @property
    def outcome_class(self) -> OutcomeClass:
        """Return the class this value belongs to."""
        return OutcomeClass(self.value.partition(".")[0])

    @property
    def is_fact(self) -> bool:
        """Say whether the answer may enter a total as complete knowledge."""
        return self in _FACTS

    @property
    def worth_asking_again(self) -> bool:
        """Say whether asking later may give an answer without a person acting."""
        return self.outcome_class in _AGAIN


# The detail of an outcome that a register told under a declared former name (曾用名).
UNDER_FORMER_NAME = "under a former name"
_FACTS = frozenset({OutcomeCode.RECORDS, OutcomeCode.NO_RECORD})
_AGAIN = frozenset({OutcomeClass.UNAVAILABLE, OutcomeClass.STALE, OutcomeClass.PENDING, OutcomeClass.PARTIAL_ANSWER})

FailedBy = Literal["us", "network", "source"]
Basis = Literal["consent", "legal_basis"]


@swift
@dataclass(frozen=True, slots=True)
class Subject:
    """The member a question is about, as the register must know her: by her name, or by one that she had before (曾用名)."""

    id_number: IdNumber
    name: str = field(repr=False)
    former_names: tuple[str, ...] = field(default=(), repr=False)


@swift
@dataclass(frozen=True, slots=True)
class Question:
    """One question: one member, one source, one instant. `digest` binds the answer to it.

    income_from and income_to are months (YYYY-MM); as_of is the day property is asked for. `consent` is the ground's
    number, `basis` its kind.
    """

    id: str
    member: str
    subject: Subject
    source: str
    tenant: str
    purpose: str
    consent: str
    income_from: str
    income_to: str
    as_of: date
    digest: str
    basis: Basis = "consent"


@swift
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question. `detail` names a rule or a code of ours, never a person or a value."""

    code: OutcomeCode
    failed_by: FailedBy | None = None
    detail: str = ""
    attempts: int = 0
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    as_of: date | None = None
    answer_digests: tuple[str, ...] = ()
    institutions: tuple[int, int] | None = None
    next_look: datetime | None = None
    latest: datetime | None = None


@swift
@dataclass(frozen=True, slots=True)
class Answer:
    """A question with its one outcome, and the records if there are any.

    Invariant: records are present only with answered.records, stale.older_than or partial_answer.institutions.
    """

    question: Question
    outcome: Outcome
    records: tuple[Record, ...] = ()

    def __post_init__(self) -> None:
        """Refuse records beside an outcome that cannot carry them, and "records" without any."""
        may_carry = self.outcome.code in _CARRIERS
        if (self.records and not may_carry) or (self.outcome.code is OutcomeCode.RECORDS and not self.records):
            raise ValueError(f"outcome {self.outcome.code} with {len(self.records)} records")


_CARRIERS = frozenset({OutcomeCode.RECORDS, OutcomeCode.STALE, OutcomeCode.PARTIAL})
