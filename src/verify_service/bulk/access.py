"""How the command line speaks to a service as one of its clients."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from verify_service.errors import ConfigurationError, VerifyError


class Refused(VerifyError):
    """The service refused."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the service is, and as whom it is asked."""

    base_url: str
    token: str = field(repr=False)

    @classmethod
    def read(cls, file: Path) -> "Access":
        """Read the file that `serve --sandbox` writes. Raises ConfigurationError."""
        try:
            made = json.loads(file.read_bytes())
            return cls(made["base_url"], made["access_token"])
        except (OSError, ValueError, KeyError):
            raise ConfigurationError(f"{file} does not hold base_url and access_token") from None

    def http(self) -> httpx.Client:
        """Return a client of the service; close it."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=600, trust_env=False)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send one request and return the JSON of its answer. Raises Refused."""
        with self.http() as http:
            return told(http.request(method, path, json=body))


def told(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON of an answer. Raises Refused with what its problem says."""
    if answer.is_error:
        raise Refused(f"{answer.status_code}: {answer.json().get('detail', '')}")
    return dict(answer.json())
