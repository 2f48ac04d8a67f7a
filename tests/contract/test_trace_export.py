"""Spans really leave for an OTLP endpoint, and a deployment without the extra is told so at the start."""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from verify_service.errors import ConfigurationError
from verify_service.telemetry.exporting import trace_provider


class Collector(BaseHTTPRequestHandler):
    """Keeps the bodies that it is sent."""

    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    received: list[tuple[str, bytes]] = []
    handler = type("Handler", (Collector,), {"received": received})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces", received
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("share", "expected"), [(1.0, 1), (0.0, 0)])
def test_spans_arrive_when_the_provider_closes(collector: tuple[str, list[tuple[str, bytes]]], share: float, expected: int) -> None:
    endpoint, received = collector
    provider = trace_provider(endpoint, share=share)
    provider.get_tracer("test").start_span("verification", attributes={"verify.state": "final"}).end()
    provider.shutdown()
    assert [path for path, _ in received] == ["/v1/traces"] * expected
    assert all(word in body for _, body in received for word in (b"verify-service", b"verification", b"final"))


def test_without_the_extra_the_start_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match=r"verify-service\[telemetry\]"):
        trace_provider("http://127.0.0.1:9/v1/traces", share=1.0)
