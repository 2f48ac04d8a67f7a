"""Questions of many households together: the same person is asked once, and her answer goes to every household she is in.

Only what could not have changed the answer may differ: the household, the consent under which it was asked. The terms are the
same (purpose, kind of ground, day, months, requester), or they are different questions, and go in different calls.
"""

import asyncio
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from verify_service.domain.outcome import Answer, Question
from verify_service.verification.fanout import Call, Channel, apart
from verify_service.verification.grouping import Terms, terms_of

Outcomes = dict[str, dict[str, int]]


def _terms(question: Question) -> Terms:
    """Return a question's terms; all of a chunk are one client's."""
    return terms_of("", "bulk", question)


def same(question: Question) -> Hashable:
    """Return what two questions have in common when one answer serves both."""
    return _terms(question), question.subject


async def together(channel: Channel, questions: Sequence[Question], deadline: float) -> Sequence[Call]:
    """Ask one source on the bulk lane, where a live request goes first; in one call only what agrees in its terms."""
    by_terms: dict[Terms, list[Question]] = {}
    for question in questions:
        by_terms.setdefault(_terms(question), []).append(question)
    asked = await asyncio.gather(*(apart(channel, group, deadline, lane="bulk") for group in by_terms.values()))
    return list(chain.from_iterable(asked))


@dataclass(frozen=True, slots=True)
class Pool:
    """Questions to ask, by source, and for each of them all questions that its answer serves."""

    asked: Mapping[str, Sequence[Question]]
    served: Mapping[str, Sequence[Question]] = field(repr=False)

    def spread(self, calls: Iterable[Call]) -> dict[str, Answer]:
        """Return an answer for every question of every household, by question id; what nobody asks any more is left out."""
        answers = [answer for call in calls for answer in call.answers]
        return {q.id: _as_answer_to(q, answer) for answer in answers for q in self.served.get(answer.question.id, ())}


def pool(questions: Iterable[Question]) -> Pool:
    """Join the questions of many households."""
    first: dict[Hashable, Question] = {}
    served: dict[str, list[Question]] = {}
    for question in questions:
        asked = first.setdefault(same(question), question)
        served.setdefault(asked.id, []).append(question)
    by_source: dict[str, list[Question]] = {}
    for question in first.values():
        by_source.setdefault(question.source, []).append(question)
    return Pool(by_source, served)


def _as_answer_to(question: Question, answer: Answer) -> Answer:
    return answer if answer.question is question else Answer(question, answer.outcome, answer.records)


def count(answers: Iterable[Answer]) -> Outcomes:
    """Return how many questions had which outcome, by source."""
    counted = Counter((a.question.source, a.outcome.code.value) for a in answers)
    outcomes: Outcomes = {}
    for (source, code), number in counted.items():
        outcomes.setdefault(source, {})[code] = number
    return outcomes


def change(before: Iterable[Answer], after: Iterable[Answer]) -> Outcomes:
    """Return by how much the counts change when some answers are replaced."""
    changed = count(after)
    for source, codes in count(before).items():
        for code, number in codes.items():
            of_source = changed.setdefault(source, {})
            of_source[code] = of_source.get(code, 0) - number
    return changed
