"""Make a view of a signed report: a pure function of its body, so that the same report gives the same bytes.

The applicant sees everything but other people's numbers and names, and no digest: a digest of few unknowns can be guessed
back. The minimum view is built from what may be told, not by leaving things out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from verify_service.domain.view import FORMAT, ApplicantView, MinimumLine, MinimumView, View, ViewHeader

Tree = Mapping[str, Any]
_GROUPS = ("members", "supporters", "not_counted")
_PLAIN = ("title", "title_zh", "state", "usable_for", "issued_at", "valid_until", "issuer", "disclaimer")
_HEADER = ("request_no", "report_id", "version", *_PLAIN)
_LEFT_OUT = frozenset({"question_digest", "answer_digests", "evidence"})
# Objects in which a `name` is a person's; elsewhere it is a company's, a centre's, a register's.
_PERSONS = frozenset({"co_owners", "guardian", "agent"})
# GB 11643, 18 or 15 digits with a date in them, wherever it stands in a text.
_DATE = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}"
_NUMBER = re.compile(rf"(?<![0-9A-Za-z])[1-9][0-9]{{5}}(?:(?:19|20)[0-9]{{2}}{_DATE}[0-9Xx]|[0-9]{{2}}{_DATE})(?![0-9A-Za-z])")
_EXACT = ("exact_numerator_fen", "exact_denominator")  # digits as text, but nobody's number


def view_of(report: Tree, *, digest: str, view: View) -> ApplicantView | MinimumView:
    """Return a view. `digest`: the SHA-256 of the report's canonical bytes, in hexadecimal."""
    header = _header(report, digest, view)
    return _applicant(report, header) if view == "applicant" else _minimum(report, header)


def _header(report: Tree, digest: str, view: View) -> ViewHeader:
    return {"view": view, "digest": digest, **{name: report["header"].get(name) for name in _HEADER}}  # type: ignore[typeddict-item]


def _minimum(report: Tree, header: ViewHeader) -> MinimumView:
    return {
        "format": FORMAT,
        "header": header,
        "commission": report["commission"]["number"],
        "purpose": report["commission"]["purpose"],
        "policy_version": report["policy"]["version"],
        "lines": [_line(line) for line in report["lines"]],
        "use_restriction": report["use_restriction"],
    }


def _line(line: Tree) -> MinimumLine:
    return {name: line[name] for name in MinimumLine.__annotations__}  # type: ignore[return-value]


def _applicant(report: Tree, header: ViewHeader) -> ApplicantView:
    people = [person for group in _GROUPS for person in report["household"][group]]
    own = next(person for person in people if person["role"] == "applicant")
    others = [person for person in (*people, *_persons(report)) if person["name"] != own["name"]]
    masked = {name: _masked_name(name) for person in others for name in (person["name"], *person.get("former_names", ()))}
    masked |= {person["id_number"]: _masked_number(person["id_number"]) for person in others if person.get("id_number")}
    return {"format": FORMAT, "header": header, "report": _Mask(own["id_number"], masked).tree(report)}


def _persons(node: Any) -> Iterator[Tree]:
    """Find the people who are named outside the household: co-owners, guardians, agents."""
    for key, child in node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ():
        if key in _PERSONS:
            yield from (person for person in (child if isinstance(child, list) else [child]) if person and person.get("name"))
        yield from _persons(child)


class _Mask:
    """Masks every text of a tree: numbers that are not the applicant's, and names and numbers of others whom the report knows."""

    def __init__(self, own_number: str, masked: Mapping[str, str]) -> None:
        self._own = own_number
        self._masked = masked
        # The longest first, since one may be part of another. A name of one character is masked only where it stands alone.
        within = sorted((text for text in masked if len(text) > 1), key=lambda text: (-len(text), text))
        self._within = re.compile("|".join(map(re.escape, within))) if within else None

    def tree(self, node: Any) -> Any:
        """Return the tree masked, without the fields that are left out."""
        if isinstance(node, str):
            return self._text(node)
        if isinstance(node, Mapping):
            return {key: child if key in _EXACT else self.tree(child) for key, child in node.items() if key not in _LEFT_OUT}
        return [self.tree(child) for child in node] if isinstance(node, list) else node

    def _text(self, text: str) -> str:
        if text in self._masked:
            return self._masked[text]
        if self._within is not None:
            text = self._within.sub(lambda found: self._masked[found[0]], text)
        return _NUMBER.sub(lambda found: found[0] if found[0] == self._own else _masked_number(found[0]), text)


def _masked_number(number: str) -> str:
    """Mask the birth date and what follows it but the last four, as on a printed report."""
    return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"


def _masked_name(name: str) -> str:
    return name[0] + "*" * max(1, len(name) - 1)
