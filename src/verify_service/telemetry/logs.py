"""Log format and redaction. Logs are events about questions, never about people: a JSON line per event.

Exceptions are logged by type and place only: their text may quote what a register or a caller sent.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

_IDENTITY = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{5}(?:18|19|20|21)?[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]{4}[0-9Xx]?(?![0-9A-Za-z])")


def without_values(error: BaseException) -> dict[str, str]:
    """Return the type of an exception and where it was raised (file:line), nothing that it says."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace is not None else "?"
    return {"error": type(error).__name__, "at": place}


def speaks_of_a_person(text: str) -> bool:
    """Say whether something in a text looks like an identity number."""
    return _IDENTITY.search(text) is not None


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask whatever looks like an identity number: the last wall, since nothing should put one there."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _IDENTITY.sub("[id]", value)
    return event


class _Lossy:
    """A stream for logs. A line that cannot be written (a full disk, a closed pipe) is lost, never the work that it tells of.

    There is nowhere to tell of that: it is the log itself which fails. The standard library's handlers do the same.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def configure_logging(*, level: str) -> None:
    """Send every log as one JSON line to stderr; foreign loggers too, from WARNING up."""
    shared: list[Any] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), redact]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(file=cast("TextIO", _Lossy(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    foreign = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_foreign_processors())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(foreign)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _foreign_processors() -> list[Any]:
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _drop_traceback, redact, structlog.processors.JSONRenderer()]


def _drop_traceback(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event.update(without_values(error))
    return event
