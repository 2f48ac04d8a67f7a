"""Examples of what officers do to a report, by name; tests send them to a real application."""

from typing import Any

_OFFICER = {"name_or_id": "jb-0017", "office": "示例一市甲区民政局"}

AMENDMENTS: dict[str, Any] = {
    "resolution": {"officer": _OFFICER, "state": "explained", "note": "The fund account is a former employer's; seen at the visit."},
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
    "revocation": {"officer": _OFFICER, "reason": "Taken back in writing today.", "consents": ["SQ-990101-2026-0104"]},
}
