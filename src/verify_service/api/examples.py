"""Examples of answers, by the name of their schema. Those of requests are the files in examples/; a whole report is too long here."""

from typing import Any

from verify_service.api.amendment_examples import AMENDMENTS, CHANGED

_VERIFICATION = "01a20cd0-11e3-75a1-b01a-b103e60071d6"
_NUMBER = "HD99010120261124000001Z"
_FIRST = "01a20cd0-11f8-7235-a1b4-9897a065c465"
_SECOND = "01a20cd0-1ed7-7411-9b01-a81a7177fdd8"
_KID = "mJ7hgvuLFU3KVa8y6WU7VlMlhJVMiKD23KysqjgQMdQ"
_ACCEPTED = "2026-11-24T09:08:12.387236Z"
_AT, _LATER = "2026-11-24T09:08:12.408636Z", "2026-11-24T09:08:15.703293Z"

_SOURCE: dict[str, Any] = {
    "id": "vehicle",
    "title": "Motor vehicle register",
    "title_zh": "机动车登记信息",
    "authority": "公安机关交通管理部门",
    "legal_basis": "社会救助暂行办法 第五十八条",
    "kinds": ["vehicle"],
    "mode": "immediate",
    "protocol": "REST/JSON with request signature",
    "level": "province",
    "region": "990000",
    "contract_version": "1.0",
    "subjects_per_call": 50,
    "stale_after_days": 31,
    "limits": {
        "attempts": 2,
        "attempt_timeout_ms": 3000,
        "connect_timeout_ms": 1000,
        "in_flight": 16,
        "response_bytes": 2_000_000,
        "records": 5000,
        "pages": 20,
    },
    "quota": {"per_second": 50, "per_day": 100_000},
    "deferred": None,
    "fields_not_carried": {},
    "connected": True,
    "operation": {
        "breaker": {"state": "isolated", "since": _LATER, "reason": "answers with another county's data", "next_probe": None},
        "quota": {"per_second": {"limit": 50, "used": 0, "left": 50}, "per_day": {"limit": 100_000, "used": 2113, "left": 97_887}},
        "next_window": None,
        "places": {"in_flight": 0, "limit": 16, "waiting": 0},
        "attempt_timeout_ms": {"live": 1122.0, "bulk": 2244.0, "attempts_measured": 8123},
        "seen": {
            "since": "2026-11-24T06:00:00Z",
            "window_minutes": 15,
            "last_success": _AT,
            "attempts": {"whole": 812, "unavailable.timeout": 3},
            "answers": {"answered.records": 390, "answered.no_record": 1204, "unavailable.timeout": 2},
            "latency_ms": {"p50": 44.7, "p95": 125.9, "p99": 1000.0},
            "bytes_received": 512_220,
        },
        "freshness": {"newest_as_of": "2026-11-23", "oldest_as_of": "2026-11-20", "oldest_days": 4},
        "contract": {"version": "1.0", "new_fields": ["energy_kind"], "missing_fields": []},
    },
}


_STATES = ((0, "accepted", _ACCEPTED, "null"), (1, "partial", _AT, f'"{_FIRST}"'), (2, "final", _LATER, f'"{_SECOND}"'))
STATE_EVENTS = "".join(
    f'id: {number}\nevent: state\ndata: {{"verification_id":"{_VERIFICATION}","state":"{state}","at":"{at}","report_id":{report}}}\n\n'
    for number, state, at, report in _STATES
)


def _version(number: int, report_id: str, state: str, digest: str, replaces: str | None) -> dict[str, Any]:
    return {
        "id": report_id,
        "verification_id": _VERIFICATION,
        "version": number,
        "state": state,
        "digest": digest,
        "kid": _KID,
        "issued_at": _AT if number == 1 else _LATER,
        "replaces": replaces,
    }


FORGED = "eyJhbGciOiJFZERTQSJ9.e30.c2ln"
# Whoever sends the examples puts ids of her own in the place of these.
PARAMETERS: dict[str, Any] = {
    "verification_id": _VERIFICATION,
    "request_no": _NUMBER,
    "report_id": _FIRST,
    "source_id": "vehicle",
    "finding": "5f0c6a1be7d2934e",
    "number": 2,
    "batch_id": "01a20d11-6a7c-7c21-9d0e-5b1f0c9a7e42",
    "form": "csv",
    "row": 1,
    "validate_only": False,
    "deadline": "2099-12-31T23:59:59Z",
    "view": "full",
    "after": 4711,
    "endpoint_id": "01a20f70-3d5e-7b0c-8d64-5f3a0b7c9e11",
    "delivery_id": "5c1d7f0e-52a4-5a0e-9a39-6f0e4f7f6a4e",
    "state": "dead",
    "limit": 100,
}
REQUESTS: dict[str, Any] = {
    **AMENDMENTS,
    "isolation": {"reason": "answers with another county's data"},
    "signed_report": {"jws": FORGED},
    "webhook_endpoint": {"url": "https://welfare.example/verify-events", "events": ["report.issued", "batch.completed"]},
}

_BATCH = "01a20f6e-9766-713d-a3aa-8c0a84a30807"
_FILE: dict[str, Any] = {
    "form": "csv",
    "encoding": "gb18030",
    "digest": "7b7edbc762f54e4cc52c0c8f7417b1ee82c857ec60abace94c4c3848e534b729",
    "size_bytes": 31_689,
    "rows_in": 20,
}
_BATCHES: dict[str, Any] = {
    "BatchReceipt": {"batch_id": _BATCH, **_FILE},
    "BatchTrial": {**_FILE, "rejected": 1, "errors": [{"row": 2, "line": 4, "place": "member.id_number", "rule": "gb_11643"}]},
    "BatchAnswer": {
        "batch": {
            "id": _BATCH,
            "state": "running",
            **_FILE,
            "results": {"final": 12, "partial": 3, "rejected": 1, "cancelled": 0},
            "open": 4,
            "outcomes": {"vehicle": {"answered.no_record": 28, "answered.records": 6}},
            "rows_per_minute": 9000,
            "estimate": {"at": _LATER, "reason": "asking"},
            "created_at": _AT,
            "started_at": _AT,
            "completed_at": None,
            "deadline_at": None,
            "manifest": None,
        }
    },
    "RowProof": {"row": 2, "state": "final", "digest": _FILE["digest"], "size": 2, "path": ["08" * 32]},
}
_ENDPOINT: dict[str, Any] = {
    "id": "01a20f70-3d5e-7b0c-8d64-5f3a0b7c9e11",
    "url": "https://welfare.example/verify-events",
    "events": ["batch.completed", "report.issued"],
    "state": "enabled",
    "created_at": _AT,
    "failures": 0,
    "paused_until": None,
    "old_secret_until": None,
}
_DELIVERY: dict[str, Any] = {
    "id": "5c1d7f0e-52a4-5a0e-9a39-6f0e4f7f6a4e",
    "number": 4711,
    "kind": "report.issued",
    "state": "dead",
    "attempts": 10,
    "due_at": _LATER,
    "last_outcome": "timeout",
    "updated_at": _LATER,
}
_WEBHOOKS: dict[str, Any] = {
    "NewEndpoint": {"endpoint": _ENDPOINT, "secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="},
    "EndpointAnswer": {"endpoint": _ENDPOINT},
    "Endpoints": {"endpoints": [_ENDPOINT]},
    "Deliveries": {"deliveries": [_DELIVERY], "next": None},
    "Redelivery": {"deliveries": 1},
}

ANSWERS: dict[str, Any] = {
    **_BATCHES,
    **_WEBHOOKS,
    **CHANGED,
    "VerificationAnswer": {
        "verification": {
            "id": _VERIFICATION,
            "request_no": _NUMBER,
            "client_reference": "SHILI-2026-000101",
            "state": "partial",
            "accepted_at": "2026-11-24T09:08:12.387236Z",
            "updated_at": _AT,
            "report_id": _FIRST,
        }
    },
    "Versions": {
        "versions": [
            _version(1, _FIRST, "partial", "1c81c607703611083e69180aa4e2f229312b16f8c2367d391a694ec7076a0ea6", None),
            _version(2, _SECOND, "final", "beda745f4647ac834651cb2a2ea922c97d69f97a54f8e96ea744117e386e13d2", _FIRST),
        ]
    },
    "Verdict": {"valid": True, "reason": None, "kid": _KID, "state": "superseded", "replaced_by": _SECOND, "as_of": "2026-11-24T09:10:00Z"},
    "SourceView": _SOURCE,
    "Sources": {"sources": [_SOURCE]},
    "AuditPage": {
        "entries": [
            {
                "id": 4711,
                "at": _AT,
                "actor": "county-1f2e3d4c",
                "action": "report.read",
                "object_id": _FIRST,
                "detail": {"version": 1},
                "digest": "9c2d1c3f0a1c4c35b1f8d20c8b1b5c6f0c7c3a4a9e3b5d2f6a7c8d9e0f1a2b3c",
            }
        ],
        "next": None,
    },
    "PoliciesView": {
        "policies": [
            {
                "pack": "990000",
                "pack_name": "示例省",
                "version": "2026-1",
                "in_force_from": "2026-01-01",
                "in_force_to": None,
                "region": "990201",
                "region_name": "示例二市丁区",
                "inherits_from": ["990000", "990200"],
                "programmes": {"dibao": ["01", "02"]},
                "rules_digest": "5a3d5e1dd2c9b9a2d3c0a1b2f4e5968778695a4b3c2d1e0f1a2b3c4d5e6f7081",
                "rules": None,
            }
        ]
    },
    "PublicKeys": {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "use": "sig",
                "alg": "EdDSA",
            }
        ]
    },
    "Health": {"status": "ok", "version": "0.1.0"},
    "Readiness": {"ready": True, "checks": {"store": True, "schema": True, "policies": True, "signing_key": True}},
}
