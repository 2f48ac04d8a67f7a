"""What a handler finds on its application."""

from fastapi import Request

from verify_service.errors import NotFound
from verify_service.services import Services

_ID_CHARACTERS = frozenset("0123456789abcdef-")
_ID_LENGTH = 36


def services_of(request: Request) -> Services:
    """Return the services of the application that serves this request."""
    services: Services = request.app.state.services
    return services


def known_form(identifier: str) -> str:
    """Return an id that could be one of ours. Raises NotFound, so that a malformed id tells no more than an unknown one."""
    if len(identifier) != _ID_LENGTH or not _ID_CHARACTERS.issuperset(identifier):
        raise NotFound
    return identifier
