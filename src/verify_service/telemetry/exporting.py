"""Where spans go: OTLP over HTTP, in batches, in a thread of the SDK. Needs the extra `telemetry`."""

from typing import TYPE_CHECKING

from verify_service import __version__
from verify_service.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


def trace_provider(endpoint: str, *, share: float) -> "TracerProvider":
    """Return a provider that sends `share` of the traces that begin here. Raises ConfigurationError without the extra."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError("VERIFY_TRACE_ENDPOINT needs the extra: pip install 'verify-service[telemetry]'") from None
    resource = Resource({"service.name": "verify-service", "service.version": __version__})
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(share), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider
