"""Invented names. A number has one name, whatever the seed, so that example files stay right for every sandbox."""

from verify_service.sandbox.population.people import YOUNG, Place, locate
from verify_service.sandbox.population.stream import DigestStream

_SURNAMES = "禾岚砚汀朔棠苇榆桐泊澄沐栖舒陌渔枫杉芷苓茗荻菱莳萤翎翊筠笙箬竺砥磬璞珞琢瑄瑶玥"
_FIRST = "知远明清思静安文志书景怀若庭雨承启嘉念以亦修云其照临望守向长"
_SECOND = "行舟川宁然言平和林原野山石溪桥松柏竹青禾穗谷实朗晴岸泉渡归晚"
_DOTTED_FAMILIES = ("示例", "示范", "虚构", "假定")
_DOTS = "•・‧．"


def name_of(id_number: str) -> str:
    """Return the true name of a number. Raises LookupError for a number nobody in the population can have."""
    place = locate(id_number)
    if place is None:
        raise LookupError("nobody in the synthetic population has this number")
    return name_at(id_number, place)


def name_at(id_number: str, place: Place) -> str:
    """Return the name of the number at a place: men and the young share their household's surname."""
    own, family = DigestStream("name", id_number), DigestStream("family", place.region, place.household)
    given = own.pick(_FIRST) + (own.pick(_SECOND) if own.happens(85, 100) else "")
    if family.happens(5, 100):
        return f"{given}·{family.pick(_DOTTED_FAMILIES)}"
    shares = place.era == YOUNG or int(id_number[16]) % 2 == 1
    return (family if shares else own).pick(_SURNAMES) + given


def spelling_variant(name: str, stream: DigestStream) -> str:
    """Return another spelling of the same name, equal under `normalise_name`: another middle dot, or a space inside."""
    if "·" in name:
        return name.replace("·", stream.pick(_DOTS))
    return name[0] + stream.pick((" ", "　")) + name[1:]
