"""The fictional regions. Codes that begin with 99 are given to no place, so no number made here can belong to a person."""

REGIONS = {
    "990000": "示例省",
    "990100": "示例一市",
    "990101": "示例一市甲区",
    "990102": "示例一市乙区",
    "990103": "示例一市丙县",
    "990200": "示例二市",
    "990201": "示例二市丁区",
    "990202": "示例二市戊县",
    "990300": "示例三市",
    "990301": "示例三市己区",
    "990302": "示例三市庚县",
}

COUNTIES = tuple(code for code in REGIONS if not code.endswith("00"))


def region_name(code: str) -> str:
    """Return the name of a region, else of the city or the province it lies in."""
    return REGIONS.get(code) or REGIONS.get(f"{code[:4]}00") or REGIONS["990000"]


def city_name(code: str) -> str:
    """Return the name of the city a region lies in, the province where the table knows no city."""
    return REGIONS.get(f"{code[:4]}00") or REGIONS["990000"]


def plate_letter(code: str) -> str:
    """Return the letter that plates of the region's city carry after the province character; I and O are not used."""
    return "ABCDEFGHJKLMNPQRSTUVWXYZ"[(int(code[2:4]) - 1) % 24]
