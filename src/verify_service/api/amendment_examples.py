"""Examples of what officers do to a report, by name; tests send them to a real application."""

from typing import Any

_OFFICER = {"name_or_id": "jb-0017", "office": "示例一市甲区民政局"}

AMENDMENTS: dict[str, Any] = {
    "resolution": {
        "officer": _OFFICER,
        "state": "explained",
        "note": "The fund account is a former employer's; seen at the visit.",
        "resolver": "home_visit",
    },
    "objection": {
        "officer": _OFFICER,
        "objector": "father",
        "cells": [{"member": "father", "source": "vehicle", "grounds": "The car was sold in March; the transfer paper is enclosed."}],
    },
    "withdrawal": {"officer": _OFFICER, "reason": "The commission named another household."},
    "correction": {
        "officer": _OFFICER,
        "reason": "The mother's wage was entered as a monthly figure.",
        "declared": {"incomes": [{"member": "mother", "income": {"wage_fen": 1500000}}]},
    },
    "gap_closure": {"officer": _OFFICER, "reason": "The register is closed until January; a visit found no vehicle."},
    "cancellation": {"officer": _OFFICER, "reason": "The applicant has taken the application back."},
    "replay": {"reports": ["01a20cd0-11f8-7235-a1b4-9897a065c465"], "policy_version": "2025-1"},
    "revocation": {"officer": _OFFICER, "reason": "Taken back in writing today.", "consents": ["SQ-990101-2026-0104"]},
}

_CHANGES: dict[str, Any] = {
    "state": {"from": "partial", "to": "final"},
    "usable_for": {"from": "information", "to": "decision"},
    "policy": {"from": "2026-1", "to": "2026-1"},
    "gaps": {"from": ["father:vehicle"], "to": []},
    "cells": [
        {
            "member": "father",
            "source": "vehicle",
            "outcome": {"from": "unavailable.timeout", "to": "answered.no_record"},
            "as_of": {"from": None, "to": "2026-11-20"},
            "records": {"from": 0, "to": 0},
        }
    ],
    "figures": [
        {
            "place": "/property/vehicles_total",
            "from": {"lower_pieces": 0, "upper_pieces": None, "complete": False, "missing": ["father:vehicle"]},
            "to": {"lower_pieces": 0, "upper_pieces": 0, "complete": True, "missing": []},
        }
    ],
    "declared": [],
    "items": [],
    "lines": [],
    "findings": {
        "added": [],
        "removed": [{"id": "5f0c6a1be7d2934e", "code": "DAT-01", "severity": "Q", "member": "father", "source": "vehicle"}],
        "changed": [],
    },
}
_REPORT = "01a20cd0-1ed7-7411-9b01-a81a7177fdd8"
CHANGED: dict[str, Any] = {
    "Difference": {
        "format": "verify-service/difference/1",
        "report_id": _REPORT,
        "version": 2,
        "replaces": "01a20cd0-11f8-7235-a1b4-9897a065c465",
        "reason": "late_answer",
        "changes": _CHANGES,
    },
    "ReplayAnswer": {
        "rules_of": None,
        "policy_version": "2025-1",
        "reports": [{"report_id": _REPORT, "version": 2, "changed": True, "changes": _CHANGES}],
    },
}
