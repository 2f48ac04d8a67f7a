"""XML without surprises: no DTD, no entities, no network, bounded size; used by every XML-speaking source."""

from typing import Literal

from lxml import etree

Rule = Literal["syntax", "dtd"]
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True, recover=False
)


class StrictXmlError(ValueError):
    """The XML breaks a rule; `rule` names it. The text is never in the message."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(f"XML breaks rule {rule}")
        self.rule: Rule = rule


def parse(data: bytes) -> etree._Element:
    """Parse a whole document and return its root. Raises StrictXmlError.

    A document type is refused before parsing as well as after: no expansion can start. Deeper than 256 elements is a syntax error.
    """
    if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data:
        raise StrictXmlError("dtd")
    try:
        root = etree.fromstring(data, _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        raise StrictXmlError("syntax") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise StrictXmlError("dtd")
    return root
