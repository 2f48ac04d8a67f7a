"""I4 to I6: every call is known, none is made without a cause, and none when it may not be made."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.functional.checker.invariant import invariant
from tests.functional.checker.ledgers import Ledgers

AFTER_CANCEL = timedelta(seconds=1)
WINDOW = timedelta(seconds=1)


@invariant("I4", "every exchange in D has its call in S, with the same bytes asked and answered")
def exchanges_were_calls(ledgers: Ledgers) -> Iterator[str]:
    told = {(t.source, t.digest) for t in ledgers.told if t.is_whole}
    asked = {(t.source, t.digest, t.asked_digest) for t in ledgers.told if t.is_whole}
    for kept in ledgers.tables["exchanges"]:
        over_http = kept.step != "view" and kept.source != "housing_fund"
        same = (kept.source, kept.answer_digest, kept.request_digest) in asked if over_http else (kept.source, kept.answer_digest) in told
        if not same:
            yield f"{kept.source}: an exchange that no register knows"


@invariant("I4", "every call in S that was answered whole is an exchange in D, unless whoever asked was killed or stopped")
def calls_are_exchanges(ledgers: Ledgers) -> Iterator[str]:
    kept = {(e.source, e.answer_digest) for e in ledgers.tables["exchanges"]}
    lost = [t for t in ledgers.mine if t.asks and t.is_whole and (t.source, t.digest) not in kept]
    cancelled = {row.chunk_no for row in ledgers.tables["rows"] if row.state == "cancelled"}
    unexplained = [t for t in lost if not any(ledgers.chunks_of.get(s, frozenset()) & cancelled for s in t.subjects)]
    if unexplained and not ledgers.receipts.disturbances:
        yield f"{len(unexplained)} answers that nobody kept ({', '.join(sorted({t.source for t in unexplained}))})"


@invariant("I5", "calls per (source, person) are no more than one for each chunk she is in, and one for each recorded cause")
def asked_with_a_cause(ledgers: Ledgers) -> Iterator[str]:
    asked: Counter[tuple[str, str]] = Counter()
    spoilt: Counter[tuple[str, str]] = Counter()
    for told in ledgers.mine:
        first_page = told.source != "property" or told.name.endswith("/1")
        for subject in told.subjects & ledgers.chunks_of.keys() if told.asks and first_page else ():
            asked[told.source, subject] += 1
            spoilt[told.source, subject] += not told.is_whole
    begun = {chunk.no: max(0, chunk.fence - 1) for chunk in ledgers.tables["chunks"]}
    for (source, subject), number in asked.items():
        chunks = ledgers.chunks_of.get(subject, frozenset())
        causes = min(ledgers.receipts.disturbances, sum(begun.get(no, 0) for no in chunks)) + spoilt[source, subject]
        if number > len(chunks) * ledgers.receipts.batches * (1 + ledgers.receipts.retries) + causes:
            yield f"{source}: asked {number} times about one person"


@invariant("I5", "a deferred source is handed the same work under the same key, however often it is handed in")
def handed_in_under_one_key(ledgers: Ledgers) -> Iterator[str]:
    keys: dict[tuple[str, str], set[str]] = {}
    for told in ledgers.mine:
        for subject in told.subjects & ledgers.chunks_of.keys() if told.asks and told.ticket else ():
            keys.setdefault((told.source, subject), set()).add(told.name)
    for (source, subject), names in keys.items():
        if len(names) > len(ledgers.chunks_of.get(subject, ())) * ledgers.receipts.batches * (1 + ledgers.receipts.retries):
            yield f"{source}: one person handed in under {len(names)} keys"


@invariant("I6", "no call in S a second after a cancellation was acknowledged")
def silent_after_cancel(ledgers: Ledgers) -> Iterator[str]:
    if ledgers.receipts.cancelled_at is None:
        return
    last = ledgers.receipts.cancelled_at + AFTER_CANCEL
    late = [t for t in ledgers.mine if t.at > last]
    if late:
        yield f"{len(late)} messages after the cancellation, the last {max(t.at for t in late) - last} late"


@invariant("I6", "nobody is asked about without a consent that covers the source")
def asked_under_consent(ledgers: Ledgers) -> Iterator[str]:
    covered = {pair for request in ledgers.receipts.requests.values() for pair in consented(ledgers, request)}
    for told in ledgers.mine:
        for subject in told.subjects & ledgers.chunks_of.keys():
            if (subject, told.source) not in covered and (subject, "*") not in covered:
                yield f"{told.source}: asked without consent"


def consented(ledgers: Ledgers, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (person, source) of every consent in a request; `*` stands for every source."""
    numbers = {m["ref"]: m["id_number"] for m in request["household"]["members"]}
    for consent in (*request.get("consents", ()), *request.get("legal_bases", ())):
        for source in consent["sources"]:
            yield ledgers.subject(numbers[consent["member"]]), source


@invariant("I6", "no second in which a source was asked more often than its contract allows")
def within_the_rate(ledgers: Ledgers) -> Iterator[str]:
    span = sorted(t.at for t in ledgers.mine)
    for source, most in ledgers.receipts.per_second.items() if span else ():
        times = sorted(t.at for t in ledgers.told if t.source == source and span[0] <= t.at <= span[-1])
        busiest = max((_within(times, begin) for begin in range(len(times))), default=0)
        if busiest > most:
            yield f"{source}: {busiest} calls in a second, {most} allowed"


def _within(times: list[datetime], begin: int) -> int:
    end = begin
    while end < len(times) and times[end] < times[begin] + WINDOW:
        end += 1
    return end - begin
