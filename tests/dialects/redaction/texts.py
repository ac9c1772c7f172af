"""Made-up secrets, put together so that none of them stands in a file."""

from __future__ import annotations

import string

from hypothesis import strategies as st

LUHN_SEPARATORS = ("", " ", "-", "\u00a0")


def card_of(body: str) -> str:
    """A card number that begins with these digits: the check digit is added."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def iban_of(country: str, account: str) -> str:
    """An account number with its check digits."""
    turned = "".join(str(int(character, 36)) for character in f"{account}{country}00")
    return f"{country}{98 - int(turned) % 97:02d}{account}"


@st.composite
def cards(draw: st.DrawFn) -> str:
    """Card numbers as people write them."""
    first = draw(st.sampled_from("234568"))
    length = draw(st.integers(13, 19))
    rest = draw(st.text(string.digits, min_size=length - 2, max_size=length - 2))
    number = card_of(first + rest)
    separator = draw(st.sampled_from(LUHN_SEPARATORS))
    groups = [number[at : at + 4] for at in range(0, len(number) - len(number) % 4, 4)]
    groups[-1] += number[len(number) - len(number) % 4 :]
    return separator.join(groups)


KEYS = tuple(
    start + body
    for start, body in [
        ("sk-", "proj-" + "aB3" * 12),
        ("AK" + "IA", "ABCDEFGH12345678"),
        ("gh" + "p_", "a1B2" * 9),
        ("github_" + "pat_", "11AAAA" * 5),
        ("xox" + "b-", "1234567890-abcdef"),
        ("AI" + "za", "Sy" + "a1-B" * 9),
        ("hf" + "_", "aBcDe" * 7),
        ("AccountKey" + "=", "aB+/" * 20 + "=="),
        ("-----BEGIN RSA PRIVATE " + "KEY-----\n", "MIIE\nabc\n-----END RSA PRIVATE KEY-----"),
        ("-----BEGIN PRIVATE " + "KEY-----\n", "cut off here"),
    ]
)
TOKEN = ".".join(["ey" + "J" + "hbGciOiJIUzI1NiJ9", "ey" + "JzdWIiOiIxMjMifQ", "c2lnbmF0dXJl_-"])
