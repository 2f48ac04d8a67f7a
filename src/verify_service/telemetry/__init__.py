"""What is told about the running service: logs, durations, traces. Nothing here knows a person."""

from verify_service.telemetry.logs import configure_logging, redact, speaks_of_a_person, without_values

__all__ = ["configure_logging", "redact", "speaks_of_a_person", "without_values"]
