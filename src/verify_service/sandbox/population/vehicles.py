"""Vehicles (GA 24, GA 36): a person owns one with a chance of 11 % over all ages (domain reference B10)."""

from datetime import date, timedelta
from typing import NamedTuple

from verify_service.sandbox.population.identifiers import build_vin
from verify_service.sandbox.population.regions import city_name, plate_letter
from verify_service.sandbox.population.stream import DigestStream, spread
from verify_service.sandbox.population.subject import Subject, yuan
from verify_service.sandbox.population.truth import Status, Transfer, Vehicle

_PER_TEN_THOUSAND_ADULTS = 1_395
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


class _Model(NamedTuple):
    """A kind of vehicle; power in kW, price in yuan, fuel by GA 24.9 (A petrol, B diesel, C electric)."""

    plate_type: str
    vehicle_type: str
    brand: str
    name: str
    displacement_ml: int
    power_kw: int
    fuel: str
    seats: int
    load_kg: int | None
    price_yuan: int


_MODELS = spread(
    (36, _Model("02", "K33", "示例牌", "SL7150A", 1_498, 83, "A", 5, None, 86_000)),
    (16, _Model("02", "K31", "远山牌", "YS6460B", 1_998, 140, "A", 7, None, 128_000)),
    (12, _Model("52", "K33", "青禾牌", "QH7001BEV", 0, 100, "C", 5, None, 97_000)),
    (8, _Model("02", "H31", "石桥牌", "SQ1040C", 2_771, 85, "B", 2, 1_495, 74_000)),
    (14, _Model("07", "M21", "白鹭牌", "BL125-3", 124, 8, "A", 2, None, 6_800)),
    (5, _Model("08", "M22", "白鹭牌", "BL50QT", 49, 3, "A", 1, None, 4_200)),
    (3, _Model("13", "N11", "石桥牌", "7YP-1150", 1_100, 12, "B", 1, 500, 12_500)),
    (2, _Model("14", "T11", "耕原牌", "GY504", 2_400, 37, "B", 1, None, 48_000)),
    (2, _Model("01", "H11", "石桥牌", "SQ3250D", 9_726, 250, "B", 3, 15_000, 310_000)),
    (1, _Model("51", "K21", "青禾牌", "QH6600BEV", 0, 150, "C", 19, None, 260_000)),
    (1, _Model("15", "G31", "石桥牌", "SQ9400", 0, 0, "Y", 0, 30_000, 82_000)),
)
_STATES = spread((80, "A"), (4, "Q"), (3, "G"), (3, "GQ"), (4, "E"), (3, "B"), (1, "K"), (1, "M"), (1, "O"))
_PRIVATE_USE = spread((94, "A"), (3, "D"), (1, "G"), (1, "L"), (1, "M"))
_LOAD_USE = spread((60, "A"), (40, "F"))
_COUNTS = spread((920, 1), (66, 2), (12, 3), (2, 30))
_MODES = spread((90, "购买"), (4, "继承"), (4, "赠予"), (2, "法院判决"))


def vehicles_of(subject: Subject) -> tuple[Vehicle, ...]:
    """Return the person's vehicles, those given away or cancelled among them; one owner in five hundred has thirty."""
    stream = subject.stream("vehicle")
    if subject.age < 18 or not stream.happens(_PER_TEN_THOUSAND_ADULTS * subject.hits):
        return ()
    return tuple(_vehicle(subject, stream) for _ in range(stream.pick(_COUNTS)))


def _vehicle(subject: Subject, stream: DigestStream) -> Vehicle:
    model, letters = stream.pick(_MODELS), stream.pick(_STATES)
    registered = stream.day_before(subject.as_of, 30, min(5_400, (subject.age - 17) * 365))
    second_hand = stream.happens(30, 100)
    acquired = stream.day_before(subject.as_of, 20, (subject.as_of - registered).days) if second_hand else registered
    price = yuan(model.price_yuan * stream.between(85, 120) // 100)
    return Vehicle(
        status=_status(letters),
        plate_type=model.plate_type,
        plate_no=_plate(stream, model.plate_type, subject.region),
        vin=build_vin(stream, registered.year),
        engine_no=stream.digits(8),
        brand=model.brand,
        model=model.name,
        vehicle_type=model.vehicle_type,
        use_nature=stream.pick(_LOAD_USE if model.load_kg and model.seats else _PRIVATE_USE),
        status_letters=letters,
        first_registered=registered,
        acquired=acquired,
        acquire_mode=stream.pick(_MODES) if second_hand else "购买",
        certificate_issued=acquired,
        certificate_no=stream.digits(12),
        inspection_valid_to=_inspection(stream, letters, subject.as_of),
        scrap_due=registered + timedelta(days=15 * 365) if model.load_kg else None,
        displacement_ml=model.displacement_ml,
        power_kw=model.power_kw,
        fuel=model.fuel,
        seats=model.seats,
        load_kg=model.load_kg,
        mortgaged=stream.happens(6, 100),
        seized="K" in letters,
        purchase_price_fen=price * stream.between(30, 80) // 100 if second_hand else price,
        original_value_fen=price,
        transfers=_transfers(stream, letters, acquired if second_hand else None, subject.as_of),
        issuing_office=f"{city_name(subject.region)}车辆管理所",
        disabled_use=model.vehicle_type in {"K33", "M21"} and stream.happens(3, 100),
    )


def _status(letters: str) -> Status:
    if letters == "B":
        return "historic"
    return "cancelled" if letters in {"E", "M"} else "current"


def _plate(stream: DigestStream, plate_type: str, region: str) -> str:
    """Return a plate of the province 示; a new-energy plate has one more place, its letter first (small) or last (large)."""
    head = f"示{plate_letter(region)}"
    if plate_type == "52":
        return f"{head}{stream.pick('DF')}{stream.digits(5)}"
    if plate_type == "51":
        return f"{head}{stream.digits(5)}{stream.pick('DF')}"
    return f"{head}{stream.pick(_LETTERS) if stream.happens(30, 100) else stream.digits(1)}{stream.digits(4)}" + "挂" * (plate_type == "15")


def _inspection(stream: DigestStream, letters: str, as_of: date) -> date:
    """Return the day the inspection runs out: gone by for letter Q, else within two years."""
    return stream.day_before(as_of, 1, 500) if "Q" in letters else as_of + timedelta(days=stream.between(1, 720))


def _transfers(stream: DigestStream, letters: str, bought: date | None, as_of: date) -> tuple[Transfer, ...]:
    came = (Transfer(bought, "in"),) if bought else ()
    if letters != "B":
        return came
    latest = (as_of - bought).days if bought else 30
    return (*came, Transfer(stream.day_before(as_of, 1, min(700, latest)), "out"))
