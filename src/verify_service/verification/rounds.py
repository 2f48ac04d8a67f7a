"""Which looks at deferred registers are made together, so that registers which are done at about the same time make one version."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from verify_service.sources.adapter import Ticket
from verify_service.verification.fanout import Call


def in_rounds(looks: Mapping[str, datetime], *, within_seconds: float) -> dict[str, datetime]:
    """Put every look off to the last of its round: those that are due at most `within_seconds` after the round's first. Pure.

    No look becomes earlier, since a register said when it is worth while, and none later by more than that.
    """
    within = timedelta(seconds=within_seconds)
    made: dict[str, datetime] = {}
    together: list[str] = []
    for key in sorted(looks, key=looks.__getitem__):
        if together and looks[key] - looks[together[0]] > within:
            together = []
        together.append(key)
        made |= dict.fromkeys(together, looks[key])
    return made


def ticketed(calls: Iterable[Call], *, within_seconds: float) -> list[tuple[Call, Ticket]]:
    """Return the calls that gave a ticket, each with its ticket as it is looked at in rounds."""
    given = [(call, call.ticket) for call in calls if call.ticket is not None]
    looks = in_rounds({ticket.dedupe_key: ticket.next_look for _, ticket in given}, within_seconds=within_seconds)
    return [(call, replace(ticket, next_look=looks[ticket.dedupe_key])) for call, ticket in given]
