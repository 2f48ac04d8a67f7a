"""The implementation that a good tutorial leads to: FastAPI, one shared client, one call per person and source, gather.

It validates the body, asks, merges what comes back into a dict and signs it (Ed25519, compact JWS). It has no consents,
no deadlines of its own, no checks of what arrives, no rules, no storage, no log. `--client aiohttp` changes one thing: the client.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import httpx
import uvicorn
from fastapi import FastAPI
from joserfc import jws
from joserfc.jwk import OKPKey
from pydantic import BaseModel

from bench.stub_registers import SOURCES

Ask = Callable[[str, dict[str, str]], Awaitable[Any]]


class Member(BaseModel):
    """A person to ask about."""

    ref: str
    id_number: str
    name: str


class Household(BaseModel):
    """Who lives together."""

    members: list[Member]


class Verification(BaseModel):
    """What the textbook reads of a request; the rest is ignored."""

    household: Household


@asynccontextmanager
async def httpx_client() -> AsyncIterator[Ask]:
    """Yield a way to ask over one shared httpx client with its default settings."""
    async with httpx.AsyncClient() as client:

        async def ask(url: str, question: dict[str, str]) -> Any:
            response = await client.post(url, json=question)
            response.raise_for_status()
            return response.json()

        yield ask


@asynccontextmanager
async def aiohttp_client() -> AsyncIterator[Ask]:
    """Yield a way to ask over one shared aiohttp session with its default settings."""
    async with aiohttp.ClientSession() as session:

        async def ask(url: str, question: dict[str, str]) -> Any:
            async with session.post(url, json=question, raise_for_status=True) as response:
                return await response.json()

        yield ask


CLIENTS: Mapping[str, Callable[[], AbstractAsyncContextManager[Ask]]] = {"httpx": httpx_client, "aiohttp": aiohttp_client}


def create_app(urls: Mapping[str, str], client: str) -> FastAPI:
    """Build the application."""
    key = OKPKey.generate_key("Ed25519")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with CLIENTS[client]() as ask:
            app.state.ask = ask
            yield

    app = FastAPI(lifespan=lifespan)

    async def cell(member: Member, source: str) -> dict[str, Any]:
        asked_at = datetime.now(UTC).isoformat()
        answer = await app.state.ask(urls[source], {"id_number": member.id_number, "name": member.name})
        times = {"asked_at": asked_at, "feedback_at": datetime.now(UTC).isoformat()}
        return {"member": member.ref, "source": source, "outcome_class": "answered", **times, "answer": answer}

    @app.post("/v1/verifications")
    async def verify(body: Verification) -> dict[str, Any]:
        cells = await asyncio.gather(*(cell(member, source) for member in body.household.members for source in urls))
        merged: dict[str, dict[str, Any]] = {member.ref: {} for member in body.household.members}
        for asked in cells:
            merged[asked["member"]][asked["source"]] = asked.pop("answer")
        report = {"household": merged, "coverage": cells}
        return {"report": report, "jws": jws.serialize_compact({"alg": "Ed25519"}, _text(report), key, algorithms=["Ed25519"])}

    return app


def _text(report: Mapping[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def main() -> None:
    """Serve on a port, asking the stub registers on six others."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("registers", type=int, nargs=len(SOURCES))
    parser.add_argument("--client", choices=CLIENTS, default="httpx")
    given = parser.parse_args()
    urls = {source: f"http://127.0.0.1:{port}/query" for source, port in zip(SOURCES, given.registers, strict=True)}
    uvicorn.run(create_app(urls, given.client), port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
