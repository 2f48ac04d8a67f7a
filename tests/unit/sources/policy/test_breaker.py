"""The breaker against a reference model that keeps every event and counts anew each time, and its rules one by one."""

import random
from dataclasses import dataclass, field

import pytest

from verify_service.sources.definition import BreakerRule
from verify_service.sources.policy.breaker import Breaker
from verify_service.sources.policy.snapshot import SourceState

STEPS = 100_000
RULE = BreakerRule()


def breaker(rule: BreakerRule = RULE, *, jitter: float = 0.0) -> Breaker:
    return Breaker(rule, uniform=lambda _low, _high: jitter, now=0.0)


@dataclass
class Model:
    """What the rule says, written down without any thought of speed: a list of everything that happened.

    An event is (state number, when, failed, slow). Calls carry the state number in which they began.
    """

    rule: BreakerRule
    jitters: list[float]
    state: str = "closed"
    number: int = 0
    until: float = 0.0
    openings: int = 0
    probing: int = 0
    events: list[tuple[int, float, bool, bool]] = field(default_factory=list)

    def go(self, state: str) -> None:
        self.state, self.number, self.probing = state, self.number + 1, 0

    def open(self, now: float) -> None:
        seconds = [self.rule.open_seconds]
        for _ in range(self.openings):
            seconds.append(min(self.rule.open_max_seconds, seconds[-1] * 2))
        self.openings += 1
        self.until = now + seconds[-1] * (1 + self.jitters.pop(0) / 100)
        self.go("open")

    def enter(self, now: float) -> int | None:
        if self.state != "closed" and now >= self.until:
            self.go("half_open")
            self.until = now + self.rule.open_max_seconds
        if self.state == "open" or (self.state == "half_open" and self.probing >= self.rule.probes):
            return None
        self.probing += self.state == "half_open"
        return self.number

    def void(self, call: int) -> None:
        if call == self.number and self.state == "half_open":
            self.probing -= 1

    def record(self, call: int, now: float, failed: bool, slow: bool) -> None:
        if call != self.number:
            return
        self.events.append((call, now, failed, slow))
        mine = [e for e in self.events if e[0] == self.number]
        if self.state == "half_open":
            if failed or slow:
                self.open(now)
                return
            self.probing -= 1
            if len(mine) == self.rule.probes:
                self.openings = 0
                self.go("closed")
        elif self.is_bad(mine, now):
            self.open(now)

    def is_bad(self, mine: list[tuple[int, float, bool, bool]], now: float) -> bool:
        recent = [e for e in mine if e[1] > now - self.rule.window_seconds]
        enough = len(recent) >= self.rule.least_calls
        last = [e[2] for e in mine[-self.rule.failures_in_a_row :]]
        if not (mine[-1][2] or mine[-1][3]):
            return False  # a good answer never opens it
        return (
            (len(last) == self.rule.failures_in_a_row and all(last))
            or (enough and sum(e[2] for e in recent) / len(recent) >= self.rule.failed_percent / 100)
            or (enough and sum(e[3] for e in recent) / len(recent) >= self.rule.slow_percent / 100)
        )


def walk(seed: int, steps: int, rule: BreakerRule = RULE) -> set[str]:
    """Take the same random steps with both and compare after each; return the states that were seen."""
    chance = random.Random(seed)
    drawn: list[float] = []

    def uniform(low: float, high: float) -> float:
        drawn.append(chance.uniform(low, high))
        return drawn[-1]

    real, model = Breaker(rule, uniform=uniform, now=0.0), Model(rule, drawn)
    now, weather = 0.0, (0.1, 0.1)
    running: list[int] = []
    seen: set[str] = set()
    for step in range(steps):
        if step % 200 == 0:  # good days and bad days, so that every state is reached and left
            weather = chance.choice([(0.02, 0.02), (0.3, 0.1), (0.6, 0.1), (0.05, 0.9), (0.95, 0.5)])
            model.events = [e for e in model.events if e[0] == model.number]  # earlier ones cannot be looked at again
        now += chance.expovariate(1 / chance.choice([0.05, 0.5, 3.0]))
        act = chance.random()
        if act < 0.5 or not running:
            entered = real.enter(now)
            assert entered == model.enter(now), step
            running += [] if entered is None else [entered]
        elif act < 0.95:
            call = running.pop(chance.randrange(len(running)))
            failed, slow = chance.random() < weather[0], chance.random() < weather[1]
            real.record(call, now, failed=failed, slow=slow)
            model.record(call, now, failed, slow)
        else:
            call = running.pop(chance.randrange(len(running)))
            real.void(call)
            model.void(call)
        assert (real.state.value, real.epoch) == (model.state, model.number), step
        assert model.state == "closed" or real.until == pytest.approx(model.until), step
        seen.add(real.state.value)
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_same_as_the_model_over_100_000_steps(seed: int) -> None:
    assert walk(seed, STEPS // 4) == {"closed", "open", "half_open"}


@pytest.mark.soak
def test_same_as_the_model_over_a_million_steps() -> None:
    for seed in range(100, 140):
        walk(seed, 25_000)


@pytest.mark.parametrize(
    "change", [{"failures_in_a_row": 6}, {"least_calls": 21}, {"slow_percent": 90}, {"probes": 4}, {"window_seconds": 15}]
)
def test_the_comparison_has_teeth(change: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that differs in one number is found out, long before the end."""
    original = Model.__init__
    monkeypatch.setattr(Model, "__init__", lambda self, rule, drawn: original(self, rule.model_copy(update=change), drawn))
    with pytest.raises((AssertionError, IndexError)):
        walk(0, STEPS // 4)


def fail(one: Breaker, now: float, times: int) -> None:
    for _ in range(times):
        entered = one.enter(now)
        assert entered is not None
        one.record(entered, now, failed=True, slow=False)


def passes(one: Breaker, now: float, *, slow: bool = False) -> None:
    entered = one.enter(now)
    assert entered is not None
    one.record(entered, now, failed=False, slow=slow)


def test_five_failures_in_a_row_open_it() -> None:
    one = breaker()
    fail(one, 1.0, 4)
    passes(one, 1.0)
    fail(one, 1.0, 4)
    assert one.state is SourceState.CLOSED
    fail(one, 1.0, 1)
    assert (one.state, one.reason, one.until) == (SourceState.OPEN, "5 failures in a row", 6.0)


def test_half_of_twenty_calls_open_it() -> None:
    one = breaker()
    for n in range(20):
        assert one.state is SourceState.CLOSED
        entered = one.enter(1.0)
        assert entered is not None
        one.record(entered, 1.0, failed=n % 2 == 1, slow=False)
    assert (one.state, one.reason) == (SourceState.OPEN, "10 of 20 calls failed")


def test_four_slow_calls_of_five_open_it() -> None:
    one = breaker()
    for n in range(20):
        passes(one, 1.0, slow=n % 5 != 0)
    assert (one.state, one.reason) == (SourceState.OPEN, "16 of 20 calls were slow")


def test_what_is_older_than_the_window_does_not_count() -> None:
    one = breaker()
    for n in range(19):
        entered = one.enter(1.0)
        assert entered is not None
        one.record(entered, 1.0, failed=n % 2 == 0, slow=False)
    fail(one, 22.0, 1)
    assert one.state is SourceState.CLOSED


def test_open_time_doubles_to_a_minute_and_a_close_resets_it() -> None:
    one, now, waits = breaker(), 0.0, []
    fail(one, now, 5)
    for _ in range(6):
        waits.append(one.until - now)
        now = one.until
        fail(one, now, 1)  # the first probe
    assert waits == [5, 10, 20, 40, 60, 60]
    now = one.until
    for _ in range(3):
        passes(one, now)
    assert one.state is SourceState.CLOSED
    fail(one, now, 5)
    assert one.until - now == 5


@pytest.mark.parametrize(("jitter", "seconds"), [(-20, 4.0), (20, 6.0)])
def test_open_time_has_jitter(jitter: float, seconds: float) -> None:
    one = breaker(jitter=jitter)
    fail(one, 0.0, 5)
    assert one.until == seconds


def test_three_probes_and_no_more() -> None:
    one = breaker()
    fail(one, 0.0, 5)
    assert one.enter(4.9) is None
    probes = [one.enter(5.0) for _ in range(4)]
    assert probes[0] is not None
    assert probes[3] is None
    one.void(probes[0])
    assert one.enter(5.1) == probes[0]
    assert one.enter(5.1) is None


def test_a_call_of_two_messages_goes_on_while_probes_are_under_way() -> None:
    one = breaker()
    fail(one, 0.0, 5)
    firsts = [one.enter(5.0) for _ in range(3)]
    for first in firsts[:2]:
        assert first is not None
        one.record(first, 5.1, failed=False, slow=False)
        assert one.enter(5.1) is not None
    assert one.state is SourceState.HALF_OPEN
    assert firsts[2] is not None
    one.record(firsts[2], 5.2, failed=False, slow=False)
    assert one.enter(5.2) is not None


def test_a_slow_probe_does_not_pass() -> None:
    one = breaker()
    fail(one, 0.0, 5)
    passes(one, 5.0, slow=True)
    assert (one.state, one.until) == (SourceState.OPEN, 15.0)


def test_results_of_an_earlier_state_say_nothing() -> None:
    one = breaker()
    late = one.enter(0.0)
    assert late is not None
    fail(one, 0.0, 5)
    probes = [one.enter(5.0) for _ in range(3)]
    one.record(late, 5.1, failed=True, slow=False)
    for probe in probes:
        assert probe is not None
        one.record(probe, 5.3, failed=False, slow=False)
    assert one.state is SourceState.CLOSED


def test_probes_that_never_tell_do_not_hold_it_for_ever() -> None:
    one = breaker()
    fail(one, 0.0, 5)
    lost = [one.enter(5.0) for _ in range(3)]
    assert None not in lost
    assert one.enter(64.9) is None
    assert one.enter(65.0) is not None
