import json

import pytest

from verify_service.errors import SignatureInvalid
from verify_service.signing.signed_file import read_signed_file


def answer(report, signed, **change: object) -> bytes:
    return json.dumps({"verification": {"id": "v-1"}, "report": report, "jws": signed.jws, **change}, ensure_ascii=False, indent=2).encode()


@pytest.mark.parametrize("around", [b"%s", b"%s\n", b"\r\n %s\t\r\n"])
def test_a_bare_jws_is_read_without_the_white_space_around_it(signed, around):
    assert read_signed_file(around % signed.jws.encode()) == signed.jws


def test_the_jws_is_taken_from_an_answer(report, signed):
    assert read_signed_file(answer(report, signed)) == signed.jws
    assert read_signed_file(json.dumps({"jws": signed.jws}).encode()) == signed.jws


def other_total(report):
    return {**report, "version": 2}


def as_float(report):
    return {**report, "version": 1.0}


@pytest.mark.parametrize("change", [other_total, as_float, lambda _: {}, lambda _: None, lambda report: [report]])
def test_an_answer_that_shows_another_report_than_the_signed_one_is_refused(report, signed, change):
    with pytest.raises(SignatureInvalid) as caught:
        read_signed_file(answer(change(report), signed))
    assert caught.value.reason == "report_differs"


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"{",
        b"{}",
        b'{"jws":1}',
        b'{"jws":"a.b.c","jws":"a.b.c"}',
        b'{"report":{},"jws":"no dots"}',
        b'{"report":{},"jws":"AA.AA=.AA"}',
        b'{"jws":' + b"[" * 200_000,
        b'{"jws":' + b"9" * 5000 + b"}",
    ],
    ids=lambda content: ascii(content[:30]),
)
def test_what_is_no_signed_report_is_malformed(content):
    with pytest.raises(SignatureInvalid) as caught:
        read_signed_file(content)
    assert caught.value.reason == "malformed"
