"""Lay the answers out in one canonical order, whatever order they came in, and say which are missing for each kind.

Only facts and the lower bounds of partial answers give rows; a stale answer is history and gives none (M3, M29).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from verify_service.domain.household import Household
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.records import Disclosure, Record, RecordStatus
from verify_service.domain.swift import swift
from verify_service.sources.definition import Source

Pair = tuple[str, str]
NOT_IN_PLAN = frozenset({OutcomeCode.NOT_APPLICABLE, OutcomeCode.NOT_REQUIRED})
_COUNTING = frozenset({OutcomeCode.RECORDS, OutcomeCode.PARTIAL})
_KNOWN = frozenset({OutcomeCode.RECORDS, OutcomeCode.NO_RECORD, OutcomeCode.NOT_APPLICABLE})
_LEVELS = {"ministry": 0, "province": 1, "city": 2, "county": 3}
_DISCLOSURES = {Disclosure.FULL: 0, Disclosure.BUCKET: 1, Disclosure.FLAG: 2}


@swift
@dataclass(frozen=True, slots=True)
class Row:
    """One record as one register gave it for one member. `place` is its canonical position among all rows."""

    member: str
    source: Source
    answer: Answer
    record: Record
    place: int

    @property
    def rank(self) -> tuple[object, ...]:
        """Order rows about one thing and one member (M6): registrar first, newer, higher level, in force, fuller, by place."""
        as_of = self.answer.outcome.as_of or date.min
        return (
            not self.source.registrar,
            -as_of.toordinal(),
            _LEVELS[self.source.level],
            not self.in_force,
            _DISCLOSURES[self.record.disclosure],
            self.place,
        )

    @property
    def in_force(self) -> bool:
        """Say whether the row holds on its as-of day (M7)."""
        return self.record.status is RecordStatus.CURRENT


def row_digests(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return the digests of the raw answers that gave the rows."""
    return tuple(sorted({d for row in rows for d in row.answer.outcome.answer_digests}))


@dataclass(frozen=True, slots=True)
class Evidence:
    """All answers in canonical order (household, then source id) with their rows by kind."""

    answers: Mapping[Pair, Answer]
    sources: Mapping[str, Source]
    rows: Mapping[str, Sequence[Row]]
    rows_by_member: Mapping[Pair, Sequence[Row]]
    missing_by_kind: Mapping[str, Mapping[str, frozenset[str]]]

    def of(self, kind: str) -> Sequence[Row]:
        """Return the rows of a record kind in canonical order."""
        return self.rows.get(kind, ())

    def of_member(self, kind: str, member: str) -> Sequence[Row]:
        """Return one member's rows of a record kind in canonical order."""
        return self.rows_by_member.get((kind, member), ())

    def missing(self, kinds: Iterable[str], members: Iterable[str]) -> frozenset[str]:
        """Name the cells (`member:source`) whose silence leaves figures open; `*:kind` where no register serves a kind."""
        cells: set[str] = set()
        for kind in kinds:
            of_kind = self.missing_by_kind.get(kind)
            if of_kind is None:
                cells.add(f"*:{kind}")
            elif of_kind:
                cells.update(*(of_kind[m] for m in members if m in of_kind))
        return frozenset(cells)


def gather(household: Household, answers: Sequence[Answer], sources: Mapping[str, Source]) -> Evidence:
    """Order the answers. Raises ValueError when a question has two outcomes, or an asked source has none for a member."""
    by_pair = {(a.question.member, a.question.source): a for a in answers}
    members = [m.ref for m in household.members]
    asked = sorted({source for _, source in by_pair})
    ordered = {(m, s): by_pair[m, s] for m in members for s in asked if (m, s) in by_pair}
    if len(ordered) != len(answers) or len(ordered) != len(members) * len(asked):
        raise ValueError("every asked source has exactly one answer for every member of the household")
    by_kind, by_member = _rows(ordered, sources)
    return Evidence(ordered, sources, by_kind, by_member, _missing(ordered, members, sources))


def _rows(answers: Mapping[Pair, Answer], sources: Mapping[str, Source]) -> tuple[dict[str, list[Row]], dict[Pair, list[Row]]]:
    """Return the rows by kind, and by kind and member."""
    by_kind: dict[str, list[Row]] = {}
    by_member: dict[Pair, list[Row]] = {}
    place = 0
    for (member, source), answer in answers.items():
        if answer.records and answer.outcome.code in _COUNTING:
            for record in canonical(answer.records):
                row = Row(member, sources[source], answer, record, place)
                by_kind.setdefault(record.kind, []).append(row)
                by_member.setdefault((record.kind, member), []).append(row)
                place += 1
    return by_kind, by_member


def canonical(records: Sequence[Record]) -> Sequence[Record]:
    """Order the records of one answer by content: a register's pages and rows come in any order."""
    if len(records) == 1:
        return records
    named = {(r.kind, r.source_key) for r in records}
    if len(named) == len(records):
        return sorted(records, key=lambda r: (r.kind, r.source_key))
    return sorted(records, key=lambda r: (r.kind, r.source_key, r.model_dump_json()))


def _missing(answers: Mapping[Pair, Answer], members: Sequence[str], sources: Mapping[str, Source]) -> dict[str, dict[str, frozenset[str]]]:
    """Find the silent cells: a kind is known for a member only if every source of it gave a fact or does not apply to her (M3)."""
    silent: dict[str, dict[str, frozenset[str]]] = {}
    for name, source in sources.items():
        cells: dict[str, frozenset[str]] = {}
        for m in members:
            answer = answers.get((m, name))
            if answer is None or answer.outcome.code not in _KNOWN:
                cells[m] = frozenset({f"{m}:{name}"})
        for kind in source.kinds:
            of_kind = silent.setdefault(kind, {})
            for m, cell in cells.items():
                of_kind[m] = of_kind.get(m, frozenset()) | cell
    return silent
