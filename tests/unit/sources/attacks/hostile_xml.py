"""XML that must be refused, by name, made when asked for. `{target}` stands for an address that must not be called."""

from collections.abc import Callable

_HEAD = '<?xml version="1.0"?>'


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'{_HEAD}<!DOCTYPE a [<!ENTITY l0 "ha">{entities}]><a>&l9;</a>'.encode()


def _quadratic() -> bytes:
    return f'{_HEAD}<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 10_000}</a>'.encode()


def _external(target: str) -> str:
    return f'{_HEAD}<!DOCTYPE a [<!ENTITY x SYSTEM "{target}">]><a>&x;</a>'


REFUSED: dict[str, Callable[[str], bytes]] = {
    "a billion laughs": lambda _: _laughs(),
    "a billion laughs in UTF-16": lambda _: _laughs().decode().replace("?>", ' encoding="UTF-16"?>', 1).encode("utf-16"),
    "a billion laughs in UTF-7": lambda _: _laughs().replace(b"?>", b' encoding="UTF-7"?>', 1).replace(b"<!", b"+ADwAIQ-"),
    "quadratic growth": lambda _: _quadratic(),
    "quadratic growth after much white space": lambda _: _HEAD.encode() + b" " * 100_000 + _quadratic().removeprefix(_HEAD.encode()),
    "an entity that names itself": lambda _: b'<!DOCTYPE a [<!ENTITY x "&x;">]><a>&x;</a>',
    "a file as an entity": lambda _: _external("file:///etc/passwd").encode(),
    "an address as an entity": lambda target: _external(target).encode(),
    "an address as an entity, UTF-16": lambda target: _external(target).encode("utf-16"),
    "a parameter entity": lambda target: f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{target}">%p;]><a/>'.encode(),
    "an external document type": lambda target: f'<!DOCTYPE a SYSTEM "{target}"><a/>'.encode(),
    "a public document type": lambda target: f'<!DOCTYPE a PUBLIC "-//x//y" "{target}"><a/>'.encode(),
    "an empty document type": lambda _: b"<!DOCTYPE a><a/>",
    "a document type after a long comment": lambda _: b"<!--" + b"x" * 100_000 + b"--><!DOCTYPE a><a/>",
    "a default attribute": lambda _: b'<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>',
    "300,000 nested elements": lambda _: b"<a>" * 300_000,
    "300 nested elements, closed": lambda _: b"<a>" * 300 + b"</a>" * 300,
    "an undeclared entity": lambda _: b"<a>&nbsp;</a>",
    "two roots": lambda _: b"<a/><a/>",
    "text after the root": lambda _: b"<a/>x",
    "one attribute twice": lambda _: b'<a b="1" b="2"/>',
    "an unbound prefix": lambda _: b"<x:a/>",
    "a null byte": lambda _: b"<a>\0</a>",
    "a control character as a reference": lambda _: b"<a>&#1;</a>",
    "a character out of range": lambda _: b"<a>&#x110000;</a>",
    "bytes that are not UTF-8": lambda _: b"<a>\xff</a>",
    "an encoding that nobody knows": lambda _: b'<?xml version="1.0" encoding="x-none"?><a/>',
    "a wrong end": lambda _: b"<a></b>",
    "no end": lambda _: b"<a>" + b"x" * 1_900_000,
    "nothing": lambda _: b"",
    "white space": lambda _: b" " * 2_000_000,
    "JSON": lambda _: b'{"a":1}',
}

# Refused or read as plain text: either is safe, as long as nothing is fetched and nothing grows.
HARMLESS: dict[str, Callable[[str], bytes]] = {
    "an inclusion": lambda t: f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{t}"/></a>'.encode(),
    "a style sheet": lambda t: f'<?xml-stylesheet type="text/xsl" href="{t}"?><a/>'.encode(),
    "a schema location": lambda t: f'<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="x {t}"/>'.encode(),
    "100,000 attributes": lambda _: b"<a " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b"/>",
    "100,000 namespaces": lambda _: b"<a " + b" ".join(b'xmlns:n%d="u%d"' % (n, n) for n in range(50_000)) + b"/>",
    "a name of a megabyte": lambda _: b"<" + b"a" * 1_000_000 + b"/>",
    "a comment of a megabyte": lambda _: b"<a><!--" + b"x" * 1_000_000 + b"--></a>",
    "400,000 elements": lambda _: b"<a>" + b"<b/>" * 400_000 + b"</a>",
    "two megabytes of text": lambda _: b"<a>" + b"x" * 1_900_000 + b"</a>",
}
