"""Every setting, its unit and its bounds. Nobody else reads the environment.

Names in the environment are `VERIFY_` and the field's name in capitals; nested values are JSON.
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from verify_service.errors import ConfigurationError


class Settings(BaseSettings):
    """What a deployment decides. Built once, at start; an impossible value stops the start."""

    model_config = SettingsConfigDict(env_prefix="VERIFY_", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    state_dir: Path = Field(Path("var"), description="keys, the embedded database, sandbox credentials")
    database_url: str | None = Field(None, description="SQLAlchemy URL; left out: SQLite in state_dir")
    database_pool: int = Field(8, ge=1, le=200, description="PostgreSQL connections per process")
    policies_dir: Path | None = Field(None, description="folder of policy packs; left out: the shipped fictional one")
    sources_file: Path | None = Field(None, description='JSON: {"vehicle": {"base_url": ..., "credentials": {...}}, ...}')
    transport: Literal["fast", "plain"] = Field("fast", description="HTTP to registers: aiohttp, or httpx")
    issuer: str = Field("verify-service (sandbox issuer)", min_length=1, max_length=200, description="named in every report")
    default_deadline_ms: int = Field(10_000, ge=500, le=30_000, description="until when a report is issued, unless the caller says less")
    max_deadline_ms: int = Field(30_000, ge=500, le=30_000)
    reserve_ms: int = Field(300, ge=50, le=5_000, description="kept of the deadline for composing, signing and committing")
    max_body_bytes: int = Field(1_000_000, ge=1_000, le=100_000_000, description="largest request body")
    max_batch_bytes: int = Field(4_000_000_000, ge=1_000, le=100_000_000_000, description="largest file of a batch")
    max_batch_rows: int = Field(2_000_000, ge=1, le=10_000_000, description="most households in a batch")
    max_open_batches: int = Field(20, ge=1, le=10_000, description="batches of one client that may be open at a time")
    chunk_rows: int = Field(250, ge=1, le=2_000, description="households that are asked, signed and written together")
    batch_patience_seconds: float = Field(600, ge=0, le=86_400, description="how long a batch's first reports wait for deferred sources")
    jobs_database_url: str | None = Field(None, description="SQLAlchemy URL of the job engine; left out: beside the database")
    lease_seconds: float = Field(60, ge=5, le=3600, description="how long a process holds a verification before another may take it")
    poll_seconds: float = Field(1.0, ge=0.05, le=3600, description="how often the worker looks for due work")
    look_together_seconds: float = Field(5.0, ge=0, le=3600, description="longest wait of a look at a deferred register for another's")
    keep_events_days: int = Field(90, ge=7, le=36_500, description="after which events and their deliveries are removed")
    keep_keys_days: int = Field(30, ge=1, le=36_500, description="after which an Idempotency-Key and its answer are forgotten")
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description='JSON list of networks that webhooks may go to although they are not public: ["10.0.0.0/8"]'
    )
    trace_endpoint: str | None = Field(None, pattern=r"^https?://", description="OTLP over HTTP; left out: no traces, at no cost")
    trace_share: float = Field(1.0, ge=0, le=1, description="of traces that begin here; the caller's own decision stands")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def keys_dir(self) -> Path:
        """Return where signing keys and the field key lie."""
        return self.state_dir / "keys"

    @property
    def effective_database_url(self) -> str:
        """Return the database's URL: the given one, or the embedded SQLite file."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.state_dir / 'verify.db').resolve()}"

    @property
    def effective_jobs_database_url(self) -> str:
        """Return the job engine's database: the given one, or a second SQLite file, or a second database on the same server."""
        if self.jobs_database_url is not None:
            return self.jobs_database_url
        beside, dot, ending = self.effective_database_url.rpartition(".db")
        if self.effective_database_url.startswith("sqlite"):
            return f"{beside}-jobs{dot}{ending}" if dot else f"{self.effective_database_url}-jobs"
        address, question, options = self.effective_database_url.partition("?")
        return f"{address}_jobs{question}{options}"

    @property
    def is_embedded(self) -> bool:
        """Say whether the database is the embedded default, which is created and migrated at start."""
        return self.database_url is None


def load_settings(**overrides: object) -> Settings:
    """Read the environment; `overrides` (from the command line) win. Raises ConfigurationError."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(f"VERIFY_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(problems) from None
