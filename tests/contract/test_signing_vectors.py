"""Published test vectors through our own functions: RFC 8785 (json-canonicalization), JWS and Ed25519 (Wycheproof)."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from verify_service.errors import SignatureInvalid
from verify_service.signing.canonical import NoCanonicalForm, canonical_bytes
from verify_service.signing.verification import signature_holds, verify_signature

WITH_FLOATS = ["structures", "values"]  # a report holds no floats, so these inputs must be refused
WITHOUT_FLOATS = ["arrays", "french", "unicode", "weird"]


def read_jcs(vectors: Path, side: str, name: str) -> bytes:
    return (vectors / "jcs" / "testdata" / side / f"{name}.json").read_bytes().strip(b"\n")


def test_every_canonicalization_vector_is_used(vectors):
    names = {path.stem for path in (vectors / "jcs" / "testdata" / "input").iterdir()}
    assert names == {*WITH_FLOATS, *WITHOUT_FLOATS}


@pytest.mark.parametrize("name", WITHOUT_FLOATS)
def test_canonical_bytes_equal_the_vector(vectors, name):
    value = json.loads(read_jcs(vectors, "input", name))
    assert canonical_bytes({"": value}) == b'{"":' + read_jcs(vectors, "output", name) + b"}"


@pytest.mark.parametrize("name", WITH_FLOATS)
def test_a_vector_with_floats_is_refused(vectors, name):
    with pytest.raises(NoCanonicalForm, match="float"):
        canonical_bytes(json.loads(read_jcs(vectors, "input", name)))


@pytest.mark.parametrize("name", WITH_FLOATS)
def test_canonical_bytes_equal_a_vector_with_floats_once_its_floats_are_text(vectors, name):
    """Check the strings, escapes and order of those files too: read every float as the text that RFC 8785 prints for it."""
    printed = {"333333333.33333329": "333333333.3333333", "1E30": "1e+30", "4.50": "4.5", "2e-3": "0.002", "56.0": "56"}
    source = json.loads(read_jcs(vectors, "input", name), parse_float=lambda text: f"float {printed.get(text, '1e-27')}")
    expected = json.loads(read_jcs(vectors, "output", name), parse_float=lambda text: f"float {text}")
    if name == "structures":
        expected["1"]["\n"] = "float 56"
    assert canonical_bytes(source) == canonical_bytes(expected)


def jws_tests(vectors: Path) -> list[tuple[Any, Any]]:
    """Return each Wycheproof JWS test with the key set that it must be verified with."""
    content = json.loads((vectors / "wycheproof" / "json_web_signature_test.json").read_bytes())
    return [(test, {"keys": [group.get("public", group["private"])]}) for group in content["testGroups"] for test in group["tests"]]


def outcome(jws: str, jwks: Mapping[str, object]) -> str:
    """Return 'accepted', or why the signature is refused."""
    try:
        verify_signature(jws, jwks)
    except SignatureInvalid as invalid:
        return invalid.reason
    return "accepted"


def test_every_invalid_wycheproof_signature_is_refused(vectors):
    outcomes = [outcome(test["jws"], jwks) for test, jwks in jws_tests(vectors) if test["result"] == "invalid"]
    assert len(outcomes) == 355
    assert Counter(outcomes) == {"wrong_algorithm": 319, "malformed": 36}


def test_valid_wycheproof_signatures_are_accepted_if_ed25519_and_refused_by_policy_if_not(vectors):
    """None of the 46 is an EdDSA signature; should a later edition bring one with our header, it must be accepted."""
    valid = [(test, jwks) for test, jwks in jws_tests(vectors) if test["result"] == "valid"]
    assert len(valid) == 46
    for test, jwks in valid:
        accepted = outcome(test["jws"], jwks) == "accepted"
        assert accepted is (jwks["keys"][0].get("crv") == "Ed25519"), test["tcId"]


def test_ed25519_signatures_are_judged_as_wycheproof_does(vectors):
    content = json.loads((vectors / "wycheproof" / "ed25519_test.json").read_bytes())
    verdicts = [
        (test["result"], signature_holds(*(bytes.fromhex(text) for text in (group["publicKey"]["pk"], test["sig"], test["msg"]))))
        for group in content["testGroups"]
        for test in group["tests"]
    ]
    assert Counter(verdicts) == {("valid", True): 88, ("invalid", False): 63}
