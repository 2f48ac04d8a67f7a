"""Replay past reports under other rules, those of a day or of a named version: what would change. Nothing is issued or stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import orjson

from verify_service.bodies import read_request
from verify_service.bulk.recompute import header_of, of_that_day
from verify_service.domain.difference import Changes
from verify_service.errors import InvalidInput, NotFound
from verify_service.services import Services
from verify_service.signing.canonical import canonical_bytes
from verify_service.storage.records import Client
from verify_service.verification.answer import payload_of
from verify_service.verification.diff import changes
from verify_service.verification.verify import Job


@dataclass(frozen=True, slots=True)
class Replayed:
    """What other rules would change in one report."""

    report_id: str
    version: int
    changes: Changes = field(repr=False)

    @property
    def changed(self) -> bool:
        """Say whether anything would be another, apart from which rules were used."""
        said = self.changes
        lists = (said["cells"], said["figures"], said["declared"], said["items"], said["lines"], *said["findings"].values())
        return any(lists) or any(said[name]["from"] != said[name]["to"] for name in ("state", "usable_for", "gaps"))


async def replay(services: Services, client: Client, report_ids: Sequence[str], *, rules_of: date | str) -> list[Replayed]:
    """Compose every report again from its stored answers and amendments. Each read is in the audit log.

    `rules_of` is a day, or the name of a policy version, in force or not. Raises InvalidInput with a pointer: a report that is
    not this tenant's, or one that those rules do not cover.
    """
    return [await _replayed(services, client, report_id, rules_of, f"/reports/{i}") for i, report_id in enumerate(report_ids)]


async def _replayed(services: Services, client: Client, report_id: str, rules_of: date | str, at: str) -> Replayed:
    try:
        stored = await services.report(client, report_id)
    except NotFound:
        raise InvalidInput.at(at, "known_report", "the id of a report of this client's tenant") from None
    row = await services.store.verification(tenant=client.tenant, verification_id=stored.verification_id)
    answers = await services.store.answers(tenant=client.tenant, verification_id=row.id, up_to=stored.version)
    made = [m for m in await services.store.amendments(tenant=client.tenant, verification_id=row.id) if m.version <= stored.version]
    job = Job(row.tenant, row.client_id, row.id, read_request(row.request), row.fence, row.created_at, row.request_no)
    signed = orjson.loads(payload_of(stored.jws))
    try:
        day = _day(services, job.request.region, rules_of)
        composed = of_that_day(services.verifier, signed).compose(job, answers, header_of(signed), made, rules_of=day)
    except InvalidInput:
        raise InvalidInput.at(at, "policy_in_force", "a report whose region and purpose these rules cover") from None
    return Replayed(report_id, stored.version, changes(signed, orjson.loads(canonical_bytes(composed))))


def _day(services: Services, region: str, rules_of: date | str) -> date:
    """Return a day on which these rules hold in the region. Raises InvalidInput when no version of that name covers it."""
    if isinstance(rules_of, date):
        return rules_of
    for version in services.policies.versions:
        if version.version == rules_of and region in version.areas:
            return version.in_force_from
    raise InvalidInput.at("/policy_version", "known_version", "the name of a policy version")
