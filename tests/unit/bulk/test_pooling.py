"""Questions of many households: one person is asked once under the same terms, and a call never mixes terms."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.contract.replay import ask_about
from verify_service.bulk import pooling
from verify_service.bulk.pooling import pool, same, together
from verify_service.domain.identity import IdNumber
from verify_service.domain.outcome import Question, Subject

FATHER = Subject(IdNumber.parse("990101197905120019"), "王示范")
OTHER_TERMS: dict[str, dict[str, Any]] = {
    "tenant": {"tenant": "990102"},
    "purpose": {"purpose": "temporary"},
    "ground": {"basis": "legal_basis"},
    "day": {"as_of": date(2026, 1, 1)},
    "months": {"income_to": "2026-09"},
    "source": {"source": "pension"},
    "former names": {"subject": replace(FATHER, former_names=("王旧例",))},
}


def about(household: int, **changes: Any) -> Question:
    question = ask_about(FATHER, "vehicle", member="m1")
    return replace(question, **{"id": f"q-{household}", "consent": f"SQ-{household}", **changes})


def test_the_same_person_in_two_households_is_asked_once() -> None:
    pooled = pool([about(1), about(2)])
    assert [q.id for q in pooled.asked["vehicle"]] == ["q-1"]
    assert [q.id for q in pooled.served["q-1"]] == ["q-1", "q-2"]


@pytest.mark.parametrize("changes", OTHER_TERMS.values(), ids=OTHER_TERMS)
def test_other_terms_are_another_question(changes: dict[str, Any]) -> None:
    assert same(about(1)) != same(about(2, **changes))
    assert sum(len(asked) for asked in pool([about(1), about(2, **changes)]).asked.values()) == 2


async def test_call_does_not_mix_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[set[tuple[str, str]]] = []

    async def apart(_channel: object, questions: list[Question], _deadline: float, *, lane: str) -> list[object]:
        assert lane == "bulk"
        calls.append({(q.purpose, q.basis) for q in questions})
        return []

    monkeypatch.setattr(pooling, "apart", apart)
    mixed = [about(1), about(2, purpose="temporary"), about(3, basis="legal_basis"), about(4)]
    await together(None, mixed, 0.0)  # type: ignore[arg-type]  # the channel is only passed on
    assert len(calls) == 3
    assert all(len(terms) == 1 for terms in calls)
