"""Makes examples/batch.ndjson and examples/batch.csv: twenty synthetic households, the same in both files.

    python -m tests.contract.batch_example

Everybody is invented: names and numbers come from the synthetic population, so a sandbox knows these people. The
households differ on purpose: sizes 1 to 5, minors under a guardian's consent, consents that leave sources out or end on a
day. Every fifth household says that it has no vehicle although it has one, every third what it has in the bank.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from tests.contract.batch_csv import write_csv
from verify_service.sandbox.population import COUNTIES, HOUSEHOLDS_PER_REGION, REGIONS, Person, Population, household, name_of

DAY = date(2026, 11, 24)
SIZES = (2, 1, 3, 4, 2, 5, 1, 2, 3, 2) * 2
_PURPOSES = ("01", "01", "03", "04", "05", "06", "08", "11")
_TRIGGERS = ("new", "periodic", "new", "spot_check", "reported")
_ADULT, _SCHOOL, _RETIRED = 18, 6, 60
_MEN = {-2: "61", -1: "51", 0: "11", 1: "20", 2: "41"}
_WOMEN = {-2: "62", -1: "52", 0: "12", 1: "30", 2: "42"}
_POPULATION = Population(1, DAY)


def requests() -> list[dict[str, Any]]:
    """Return the twenty requests."""
    taken: set[str] = set()
    made = []
    for number, size in enumerate(SIZES, 1):
        region = COUNTIES[(number - 1) % len(COUNTIES)]
        hides = number % 5 == 0
        members = next(m for m in _households(region, size) if m[0] not in taken and (not hides or _vehicles(map(_person, m))))
        taken.add(members[0])
        made.append(_request(number, region, members))
    return made


def files() -> dict[str, bytes]:
    """Return the two files by name."""
    made = requests()
    return {
        "batch.ndjson": b"".join(orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE) for request in made),
        "batch.csv": write_csv(made).encode(),
    }


def _households(region: str, size: int) -> Iterator[list[str]]:
    """Yield households of a size, from three people on such as have a minor."""
    for index in range(HOUSEHOLDS_PER_REGION):
        members = household(region, index, DAY)
        if len(members) == size and (size <= 2 or min(map(_age, members)) < _ADULT):
            yield members


def _vehicles(people: Iterable[Person]) -> int:
    return sum(vehicle.status == "current" for person in people for vehicle in person.vehicles)


def _age(number: str) -> int:
    return (int(f"{DAY:%Y%m%d}") - int(number[6:14])) // 10_000


def _request(number: int, region: str, members: list[str]) -> dict[str, Any]:
    purpose = _PURPOSES[number % len(_PURPOSES)]
    people = {f"m{i}": _person(m) for i, m in enumerate(members, 1)}
    return {
        "client_reference": f"SHILI-2026-{number + 200:06d}",
        "purpose": purpose,
        "trigger": _TRIGGERS[number % len(_TRIGGERS)],
        "region": region,
        "commission": {
            "number": f"WT-{region}-2026-{number + 200:04d}",
            "organisation": f"{REGIONS[region]}民政局",
            "region": region,
            "handler": {"staff_id": "jb-0017", "name": "钱经办"},
            "reviewer": {"staff_id": "fh-0003", "name": "孙复核"},
        },
        "income_period": {"first": "2025-11", "last": "2026-10"},
        "asset_as_of": "2026-11-20",
        "household": {
            "hukou": "01" if number % 3 == 0 else "02",
            "address": f"{REGIONS[region]}样板路{number}号",
            "members": [_member(ref, person, members[0]) for ref, person in people.items()],
            "declared_assets": {
                "vehicles": 0 if number % 5 == 0 else _vehicles(people.values()),
                **({"further_fen": {"deposit": 1_200_000}} if number % 3 == 1 else {}),
            },
        },
        "consents": [_consent(number, i, person, people["m1"], purpose) for i, person in enumerate(people.values(), 1)],
    }


def _person(number: str) -> Person:
    person = _POPULATION.person(number)
    if person is None:
        raise LookupError("a member whom the population does not know")
    return person


def _member(ref: str, person: Person, applicant: str) -> dict[str, Any]:
    age, is_applicant = _age(person.id_number), person.id_number == applicant
    member = {
        "ref": ref,
        "id_number": person.id_number,
        "name": name_of(person.id_number),
        "role": "applicant" if is_applicant else "member",
        "relation": "01" if is_applicant else _relation(person.id_number, to=applicant),
        "occupation": _occupation(person, age),
    }
    if member["occupation"] == "student":
        return {**member, "student": True}
    pension = sum(benefit.monthly_fen for benefit in person.benefits if benefit.payment_state == "normal")
    wage = person.employment.monthly_wage_fen if person.employment else 0
    declared = {"wage_fen": wage * 12, "transfer_fen": pension * 12}
    return {**member, "declared_income": {key: fen for key, fen in declared.items() if fen}} if wage or pension else member


def _occupation(person: Person, age: int) -> str:
    if age < _ADULT:
        return "student" if age >= _SCHOOL else "minor"
    if person.employment:
        return "employed"
    return "elderly" if age >= _RETIRED else "unregistered_unemployed"


def _relation(number: str, *, to: str) -> str:
    """Return GB/T 4761 by sex and by how many generations (24 years each in the population) younger the person is."""
    generations = (int(number[6:10]) - int(to[6:10]) + 12) // 24
    return (_MEN if int(number[16]) % 2 else _WOMEN)[generations]


def _consent(number: int, place: int, person: Person, applicant: Person, purpose: str) -> dict[str, Any]:
    """Return a member's consent; in every seventh household the second member leaves three registers out."""
    leaves_out = number % 7 == 0 and place == 2
    ends = number % 4 == 0
    consent = {
        "number": f"SQ-{person.region}-2026-{number + 200:04d}{place:02d}",
        "member": f"m{place}",
        "form_version": "2026-1",
        "signed_on": "2026-11-16",
        "signature_mode": "paper_fingerprint",
        "valid_from": "2026-11-16",
        "valid_rule": "fixed_date" if ends else "exit_of_matter",
        **({"valid_until": "2027-11-15"} if ends else {}),
        "purposes": [purpose, "12"] if number % 6 == 0 else [purpose],
        "sources": ["vehicle", "property", "pension"] if leaves_out else ["*"],
        "covers_monitoring": not ends,
    }
    return consent if _age(person.id_number) >= _ADULT else {**consent, "guardian": _guardian(applicant, person)}


def _guardian(applicant: Person, minor: Person) -> dict[str, str]:
    return {
        "id_number": applicant.id_number,
        "name": name_of(applicant.id_number),
        "relation": _relation(applicant.id_number, to=minor.id_number),
        "basis": "guardian of a minor",
    }


if __name__ == "__main__":
    folder = Path(__file__).resolve().parents[2] / "examples"
    for name, content in files().items():
        (folder / name).write_bytes(content)
