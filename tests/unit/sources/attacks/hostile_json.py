"""JSON that must be refused, and JSON that is only large: by name, made when asked for."""

from collections.abc import Callable

_FULL = 2_000_000  # bytes: the largest body that the membrane lets through

REFUSED: dict[str, Callable[[], bytes]] = {
    "a million open arrays": lambda: b"[" * 1_000_000,
    "a million arrays, closed": lambda: b"[" * 1_000_000 + b"]" * 1_000_000,
    "300,000 open objects": lambda: b'{"a":' * 300_000,
    "arrays and objects in turn": lambda: b'[{"a":' * 200_000,
    "depth 33": lambda: b"[" * 33 + b"]" * 33,
    "two million digits": lambda: b"[" + b"7" * (_FULL - 2) + b"]",
    "a fraction of two million digits": lambda: b"[0." + b"7" * (_FULL - 4) + b"]",
    "an exponent of a thousand digits": lambda: b"[1e" + b"9" * 1000 + b"]",
    "an exponent that overflows": lambda: b"[1e400]",
    "one key 200,000 times": lambda: b'{"a":1' + b',"a":1' * 200_000 + b"}",
    "one key twice, escaped once": lambda: b'{"name":1,"n\\u0061me":2}',
    "NaN": lambda: b"[NaN]",
    "-Infinity": lambda: b"[-Infinity]",
    "a lone high surrogate": lambda: b'["\\ud800"]',
    "a lone low surrogate": lambda: b'["\\udc00x"]',
    "surrogates the wrong way round": lambda: b'["\\udc00\\ud800"]',
    "an overlong encoding of a slash": lambda: b'["\xc0\xaf"]',
    "a surrogate in UTF-8": lambda: b'["\xed\xa0\x80"]',
    "UTF-16": lambda: '{"a":1}'.encode("utf-16-le"),
    "a byte order mark": lambda: b'\xef\xbb\xbf{"a":1}',
    "a null byte after the value": lambda: b'{"a":1}\0',
    "a null byte in a string": lambda: b'["\0"]',
    "a line break in a string": lambda: b'["\n"]',
    "comments": lambda: b'{"a":1/* */}',
    "single quotes": lambda: b"{'a':1}",
    "a trailing comma": lambda: b"[1,]",
    "a leading zero": lambda: b"[01]",
    "a leading plus": lambda: b"[+1]",
    "a bare fraction": lambda: b"[.5]",
    "a fraction without digits": lambda: b"[1.]",
    "hexadecimal": lambda: b"[0x10]",
    "full-width digits": "[１]".encode,
    "an underscore in a number": lambda: b"[1_000]",
    "True": lambda: b"[True]",
    "an unknown escape": lambda: b'["\\x41"]',
    "half an escape": lambda: b'["\\u00"]',
    "two values": lambda: b"{}{}",
    "a value and a bracket": lambda: b"[]]",
    "nothing": lambda: b"",
    "white space": lambda: b" " * _FULL,
    "a form feed": lambda: b"[\x0c1]",
    "an HTML page": lambda: b"<!DOCTYPE html><html></html>",
    "half a string": lambda: b'["' + b"x" * (_FULL - 2),
}

LARGE: dict[str, Callable[[], bytes]] = {
    "a million small numbers": lambda: b"[" + b"1," * 999_000 + b"1]",
    "100,000 keys": lambda: b"{" + b",".join(b'"%d":0' % n for n in range(100_000)) + b"}",
    "one string of two megabytes": lambda: b'["' + b"x" * (_FULL - 4) + b'"]',
    "a string of escapes": lambda: b'["' + b"\\u4e00" * 330_000 + b'"]',
    "400,000 empty objects": lambda: b"[" + b"{}," * 400_000 + b"{}]",
}
