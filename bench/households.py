"""Request bodies for the load: households of three from the synthetic population, another one for every request."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count

import orjson

from verify_service.sandbox.population import SOURCES, Population, name_of

REGION = "990101"
MEMBERS = 3


def bodies(*, today: date | None = None, first_household: int = 0, members: int | None = MEMBERS) -> Iterator[bytes]:
    """Yield requests that a service accepts, without end (a region has 17 million households); `members` None: of every size."""
    day = today or datetime.now(UTC).date()
    population = Population(1, as_of=day)
    for index in count(first_household):
        numbers = population.household(REGION, index)
        if members is None or len(numbers) == members:
            yield orjson.dumps(_request(index, numbers, day))


def _request(index: int, numbers: list[str], day: date) -> dict[str, object]:
    last = day.replace(day=1) - timedelta(days=1)
    return {
        "client_reference": f"bench-{index}",
        "purpose": "01",
        "region": REGION,
        "commission": {
            "number": f"WT-{index}",
            "organisation": "示例一市甲区民政局",
            "region": REGION,
            "handler": {"staff_id": "jb-0017", "name": "钱经办"},
            "reviewer": {"staff_id": "fh-0003", "name": "孙复核"},
        },
        "income_period": {"first": f"{last.replace(day=1) - timedelta(days=330):%Y-%m}", "last": f"{last:%Y-%m}"},
        "asset_as_of": day.isoformat(),
        "sources": list(SOURCES),
        "household": {"hukou": "02", "members": [_member(i, number) for i, number in enumerate(numbers)]},
        "consents": [_consent(index, i, day) for i in range(len(numbers))],
    }


def _member(place: int, number: str) -> dict[str, str]:
    role, relation = ("applicant", "01") if place == 0 else ("member", "20")
    return {"ref": f"m{place}", "id_number": number, "name": name_of(number), "role": role, "relation": relation}


def _consent(index: int, place: int, day: date) -> dict[str, object]:
    guardian = {"id_number": "990101197905120019", "name": "王示范", "relation": "51", "basis": "parent"}
    return {
        "number": f"SQ-{index}-{place}",
        "member": f"m{place}",
        "form_version": "2026-1",
        "signed_on": day.isoformat(),
        "signature_mode": "paper_fingerprint",
        "valid_from": day.isoformat(),
        "valid_rule": "exit_of_matter",
        "purposes": ["01"],
        "sources": ["*"],
        "guardian": guardian,
    }
