"""The composition root: settings in, one typed Services out. Nobody else chooses implementations or sees adapters."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from opentelemetry.trace import Tracer
from pydantic import SecretStr, TypeAdapter, ValidationError
from uuid_utils import uuid7

from verify_adapters import ADAPTERS, REGISTERS
from verify_service.domain.policy import load_policies
from verify_service.errors import ConfigurationError
from verify_service.services import Limits, Services
from verify_service.settings import Settings
from verify_service.signing.keys import KeyRing, load_keyring
from verify_service.signing.signer import sign
from verify_service.sources.adapter import AnyAdapter
from verify_service.sources.cases import Case, load_cases
from verify_service.sources.client import Randomness, SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint, Source
from verify_service.sources.policy import Common, watched
from verify_service.sources.register import Simulation
from verify_service.storage.encryption import load_cipher
from verify_service.storage.migrations import migrate
from verify_service.storage.store import open_store
from verify_service.telemetry.exporting import trace_provider
from verify_service.verification.fanout import Channel
from verify_service.verification.tracing import Tracing
from verify_service.verification.verify import Verifier

Clock = Callable[[], datetime]
_ENDPOINTS: TypeAdapter[dict[str, Endpoint]] = TypeAdapter(dict[str, Endpoint])
_CREDENTIALS: TypeAdapter[dict[str, SecretStr]] = TypeAdapter(dict[str, SecretStr])
_ENTRY_POINT_GROUP, _REGISTER_GROUP = "verify_service.adapters", "verify_service.registers"


def utc_now() -> datetime:
    """Return the present instant, aware, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a UUIDv7: unique, sorts by time, says nothing of a person."""
    return str(uuid7())


def installed_adapters() -> dict[str, AnyAdapter]:
    """Return our adapters and those of installed packages, by source id. Raises ConfigurationError for a repeated id."""
    third_party = [point.load() for point in entry_points(group=_ENTRY_POINT_GROUP)]
    found: dict[str, AnyAdapter] = {}
    for kind in (*ADAPTERS, *third_party):
        adapter = kind()
        if found.setdefault(adapter.source.id, adapter) is not adapter:
            raise ConfigurationError(f"two adapters for source {adapter.source.id}")
    _refuse_two_meanings(adapter.source for adapter in found.values())
    return found


def _refuse_two_meanings(sources: Iterable[Source]) -> None:
    """Raise ConfigurationError when two sources bring the same kind or code and do not mean the same by it."""
    meanings: dict[str, object] = {}
    for source in sources:
        for name, meaning in (*source.further.items(), *source.findings.items()):
            if meanings.setdefault(name, meaning) != meaning:
                raise ConfigurationError(f"source {source.id} gives {name} another meaning than a source before it")


def installed_registers() -> dict[str, Simulation]:
    """Return the simulated registers that sources bring beside their adapters, by source id."""
    return {**REGISTERS, **{point.name: point.load() for point in entry_points(group=_REGISTER_GROUP)}}


def installed_cases() -> dict[str, dict[str, Case]]:
    """Return every source's cases by source id and case name; a source's package is its adapter's."""
    return {name: load_cases(files(_package(adapter)) / "cases") for name, adapter in installed_adapters().items()}


def _package(adapter: AnyAdapter) -> str:
    return type(adapter).__module__.rpartition(".")[0]


def shipped_folder(name: str) -> Path:
    """Return a folder that the wheel carries in the package and a checkout at its top: policies, schemas, examples."""
    package = Path(__file__).resolve().parent
    packaged = package / name
    return packaged if packaged.is_dir() else package.parent.parent / name


def read_endpoints(file: Path) -> dict[str, Endpoint]:
    """Read where the registers are. Raises ConfigurationError; credentials never appear in the message."""
    try:
        return _ENDPOINTS.validate_json(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error
    except ValidationError as error:
        places = ", ".join("/".join(map(str, e["loc"])) for e in error.errors(include_input=False, include_url=False))
        raise ConfigurationError(f"{file}: wrong at {places}") from None


def read_endpoint(base_url: str, credentials: Path | None) -> Endpoint:
    """Return one endpoint, its credentials from a JSON file of names and values. Raises ConfigurationError; no value is told."""
    try:
        return Endpoint(base_url=base_url, credentials={} if credentials is None else _CREDENTIALS.validate_json(credentials.read_bytes()))
    except OSError as error:
        raise ConfigurationError(f"{credentials}: {error.strerror}") from error
    except ValidationError:
        raise ConfigurationError(f"{credentials}: not a JSON object of names and values") from None


class CurrentKeyRing:
    """The key ring as it is on disk now: read again when a command has rotated it, so that no restart is needed."""

    def __init__(self, directory: Path, *, now: datetime) -> None:
        self._directory, self._index = directory, str(directory / "index.json")
        self._created = now
        self._ring = load_keyring(directory, now=now, create=True)
        self._stamp = self._changed_at()

    def __call__(self) -> KeyRing:
        """Return the ring; looking at the index's time costs a system call."""
        stamp = self._changed_at()
        if stamp != self._stamp:
            self._ring, self._stamp = load_keyring(self._directory, now=self._created, create=False), stamp
        return self._ring

    def _changed_at(self) -> int:
        return os.stat(self._index).st_mtime_ns  # noqa: PTH116 - once a report; a Path takes five times as long


def channels_for(
    endpoints: Mapping[str, Endpoint], *, known: Mapping[str, AnyAdapter], runtime: Callable[[Source, Endpoint], SourceRuntime]
) -> dict[str, Channel]:
    """Connect every known adapter that has an endpoint, in the order they are registered. Raises ConfigurationError."""
    unknown = endpoints.keys() - known.keys()
    if unknown:
        raise ConfigurationError(f"endpoints for unknown sources: {', '.join(sorted(unknown))}")
    return {name: Channel(adapter, runtime(adapter.source, endpoints[name])) for name, adapter in known.items() if name in endpoints}


@asynccontextmanager
async def open_services(
    settings: Settings, *, endpoints: Mapping[str, Endpoint] | None = None, clock: Clock = utc_now, randomness: Randomness | None = None
) -> AsyncIterator[Services]:
    """Build everything, and close it in reverse order. Raises ConfigurationError before anything listens."""
    if endpoints is None:
        endpoints = read_endpoints(settings.sources_file) if settings.sources_file else {}
    policies = load_policies(settings.policies_dir or shipped_folder("policies"))
    keyring = CurrentKeyRing(settings.keys_dir, now=clock())
    cipher = load_cipher(settings.keys_dir / "field.key", create=True)
    if settings.is_embedded:
        await asyncio.to_thread(migrate, settings.effective_database_url)
    async with AsyncExitStack() as stack:
        store = await open_store(settings.effective_database_url, cipher=cipher, pool_size=settings.database_pool)
        stack.push_async_callback(store.close)
        known, tracer = installed_adapters(), _tracer(settings, stack)
        runtime = partial(
            SourceRuntime,
            clock=clock,
            randomness=randomness or system_randomness(),
            transport=settings.transport,
            common=Common(store.ledger, policies.calendar, tracer),
        )
        channels = channels_for(endpoints, known=known, runtime=runtime)
        for channel in channels.values():
            stack.push_async_callback(channel.runtime.close)
        await stack.enter_async_context(watched({name: c.runtime.policy for name, c in channels.items()}, store.ledger))
        verifier = Verifier(
            sources={name: adapter.source for name, adapter in known.items()},
            channels=channels,
            policies=policies,
            sign=lambda report: sign(report, keyring().active),
            clock=clock,
            new_id=new_id,
            issuer=settings.issuer,
        )
        tracing = None if tracer is None else Tracing(tracer)
        services = Services(_limits(settings), store, policies, verifier, clock, new_id, keyring, tracing=tracing)
        stack.push_async_callback(_drain, services)
        yield services


def _tracer(settings: Settings, stack: AsyncExitStack) -> Tracer | None:
    """Return who is told of verifications, questions and attempts. Raises ConfigurationError without the extra `telemetry`."""
    if settings.trace_endpoint is None:
        return None
    provider = trace_provider(settings.trace_endpoint, share=settings.trace_share)
    stack.push_async_callback(asyncio.to_thread, provider.shutdown)
    return provider.get_tracer("verify_service")


async def _drain(services: Services) -> None:
    """Let work in the background finish before what it uses is closed."""
    if services.background:
        await asyncio.wait(services.background, timeout=services.limits.max_deadline_ms / 1000)


def _limits(settings: Settings) -> Limits:
    return Limits(**{f.name: getattr(settings, f.name) for f in fields(Limits)})
