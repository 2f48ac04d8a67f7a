"""One key ring and one report of real size (about 6 KB), for every test of signing."""

from datetime import UTC, datetime

import pytest

from verify_service.signing.keyring import KeyRing, generate_key
from verify_service.signing.signer import Signed, sign

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def ring() -> KeyRing:
    return KeyRing((generate_key(NOW),))


@pytest.fixture(scope="session")
def report() -> dict[str, object]:
    cells = [
        {
            "member": f"M{member}",
            "name": "示例·某某",
            "source": source,
            "outcome": {"class": "answered", "value": "records", "records": member},
            "amount_fen": 408_813 * member,
            "share": {"numerator": 1, "denominator": 2},
            "as_of": "2026-02-28",
            "digest": f"{member:064x}",
            "final": member != 3,
            "next_look": None,
        }
        for member in range(1, 5)
        for source in ("vehicle", "property", "securities", "business_registration", "housing_fund", "pension")
    ]
    return {"report_id": "0195-example", "version": 1, "household": "示例家庭", "cells": cells}


@pytest.fixture(scope="session")
def signed(report, ring: KeyRing) -> Signed:
    return sign(report, ring.active)
