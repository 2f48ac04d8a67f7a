"""A register's facts for tests of its policy, and a runtime whose exchanges are a function of the test's."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.virtual_time import VirtualLoop
from verify_service.sources.adapter import Exchange, WireRequest
from verify_service.sources.client import BoundClient, Randomness, SourceRuntime
from verify_service.sources.definition import Endpoint, Limits, PolicyTable, Quota, Source
from verify_service.sources.policy import Common

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 at +08:00
Behaviour = Callable[[WireRequest], Awaitable[Exchange]]


def source(**tables: Any) -> Source:
    facts: dict[str, Any] = {
        "id": "example",
        "title": "Example",
        "title_zh": "示例",
        "authority": "示例部门",
        "legal_basis": "示例",
        "kinds": ("vehicle",),
        "mode": "immediate",
        "protocol": "REST",
        "level": "province",
        "region": "990000",
        "contract_version": "1",
        "subjects_per_call": 1,
        "stale_after_days": 31,
        "limits": Limits(),
        "quota": Quota(per_second=100, per_day=100_000),
    }
    return Source.model_validate({**facts, **tables})


def runtime(
    monkeypatch: pytest.MonkeyPatch,
    loop: VirtualLoop,
    behaviour: Behaviour,
    *,
    overrides: dict[PolicyTable, Any] | None = None,
    uniform: Callable[[float, float], float] = lambda _low, high: high,
    common: Common | None = None,
) -> SourceRuntime:
    """Return a runtime in virtual time whose messages go to `behaviour` instead of a socket."""

    async def send(_client: BoundClient, request: WireRequest) -> Exchange:
        return await behaviour(request)

    monkeypatch.setattr(BoundClient, "_send", send)
    return SourceRuntime(
        source(),
        Endpoint(base_url="http://127.0.0.1:9", overrides=overrides or {}),
        clock=lambda: MONDAY + timedelta(seconds=loop.time()),
        randomness=Randomness(nonce=lambda: "0" * 32, uniform=uniform),
        transport="plain",
        common=common,
    )


def question() -> WireRequest:
    return WireRequest("query", "POST", "/query", "application/json")


def answer() -> Exchange:
    return Exchange("query", 200, {}, b"{}", "", "", MONDAY, MONDAY)
