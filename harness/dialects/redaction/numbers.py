"""Card and account numbers in a text: digits whose check sum is right."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MOST_CARD_DIGITS = 19
_FEWEST_CARD_DIGITS = 13
_ISSUERS = frozenset("234568")  # ISO/IEC 7812: first digits under which cards are issued
_DOUBLED = {str(digit): digit * 2 - 9 * (digit > 4) for digit in range(10)}

# Groups of three digits or more, one space, no-break space or hyphen between them: cards are
# printed 4-4-4-4, 4-6-5, 6-13 and the like.
_DIGIT_GROUPS = re.compile("[0-9]{3,}(?:[ \u00a0-][0-9]{3,})*")
_GROUP = re.compile("[0-9]+")

_DIGITS = re.compile("[0-9]+")
_IBAN_REST = re.compile("[0-9]{2}(?:[ \u00a0-]?[A-Za-z0-9])*", re.ASCII)
_MOST_IBAN_CHARACTERS = 70  # 33 and a separator before each

# ISO 13616: characters of an account number by country.
_IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        "([A-Z]{2})([0-9]{2})",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
        "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
        "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
        "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
        "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
    )
}


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand: 13 to 19 digits that pass the Luhn check.

    Digits behind a decimal point are none: scores have as many.
    """
    for run in _DIGIT_GROUPS.finditer(text):
        if run.end() - run.start() >= _FEWEST_CARD_DIGITS:
            groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
            if _is_fraction(text, run.start()):
                del groups[0]
            yield from _cards_of(text, groups)


def is_card(digits: str) -> bool:
    """Whether these digits, without separators, can be a card's.

    Examples:
        >>> is_card("4" + "1" * 15), is_card("4" + "1" * 14 + "2")
        (True, False)
    """
    if not _FEWEST_CARD_DIGITS <= len(digits) <= _MOST_CARD_DIGITS or digits[0] not in _ISSUERS:
        return False
    backwards = digits[::-1]
    return (sum(map(int, backwards[::2])) + sum(_DOUBLED[one] for one in backwards[1::2])) % 10 == 0


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Where account numbers (IBAN) stand: of their country's length, and 1 modulo 97."""
    done = 0
    for digits in _DIGITS.finditer(text):
        start = digits.start() - 2
        if start < done:
            continue
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        if length is None or (start > 0 and text[start - 1].isalnum()):
            continue
        end = _iban_end(text, start, length)
        if end is not None:
            yield start, end
            done = end


def _is_fraction(text: str, start: int) -> bool:
    return start >= 2 and text[start - 1] == "." and text[start - 2].isdigit()


def _cards_of(text: str, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    first = 0
    while first < len(groups):
        last = _last_group(text, groups, first)
        if last is not None:
            yield groups[first][0], groups[last][1]
            first = last
        first += 1


def _last_group(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The group with which the longest card that starts at `first` ends; None without a card."""
    digits = ""
    found = None
    for last in range(first, len(groups)):
        start, end = groups[last]
        if len(digits) + end - start > _MOST_CARD_DIGITS:
            break
        digits += text[start:end]
        if is_card(digits):
            found = last
    return found


def _iban_end(text: str, start: int, length: int) -> int | None:
    """Where the account number that starts here ends; None when it is none."""
    rest = _IBAN_REST.match(text, start + 2, min(len(text), start + _MOST_IBAN_CHARACTERS))
    if rest is None:
        return None
    places = [at for at in range(start, rest.end()) if text[at].isalnum()][:length]
    end = places[-1] + 1
    if len(places) < length or text[end : end + 1].isalnum():
        return None
    number = "".join(text[at] for at in places)
    turned = "".join(str(int(character, 36)) for character in number[4:] + number[:4])
    return end if int(turned) % 97 == 1 else None
