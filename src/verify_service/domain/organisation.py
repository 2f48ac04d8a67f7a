"""Unified social credit codes of organisations (GB 32100): 18 characters, the last a check character modulo 31."""

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))


def credit_code_holds(code: str) -> bool:
    """Say whether the check character holds; a character outside the alphabet (I, O, S, V, Z) never does."""
    if len(code) != 18 or any(c not in _ALPHABET for c in code):
        return False
    total = sum(_ALPHABET.index(c) * weight for c, weight in zip(code, _WEIGHTS, strict=False))
    return _ALPHABET[-total % 31] == code[17]
