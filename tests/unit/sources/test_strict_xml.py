"""One parser reads every document: nothing of one is left for the next, whatever became of it, in whichever thread."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from verify_service.sources.strict_xml import StrictXmlError, parse

WHOLE = b"<a><b>1</b></a>"
DAMAGED = [b"<a><b>1</a>", b"<a>" * 300, b"", b"\xff", b'<!DOCTYPE a [<!ENTITY b "1">]><a>&b;</a>', b"<a>&b;</a>"]


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_document_leaves_nothing_behind(damaged: bytes) -> None:
    with pytest.raises(StrictXmlError):
        parse(damaged)
    assert [(child.tag, child.text) for child in parse(WHOLE)] == [("b", "1")]


def test_threads_read_their_own_documents() -> None:
    with ThreadPoolExecutor(4) as threads:
        read = threads.map(lambda n: parse(f"<a><b>{n}</b></a>".encode())[0].text, range(200))
        assert list(read) == [str(n) for n in range(200)]
