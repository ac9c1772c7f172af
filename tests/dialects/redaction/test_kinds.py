"""What is found in a text, and what is not."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dialects.redaction.kinds import FINDERS, KINDS, without
from harness.dialects.redaction.pseudonym import Pseudonyms, is_pseudonym
from tests.dialects.redaction.texts import KEYS, TOKEN, card_of, cards, iban_of

PSEUDONYMS = Pseudonyms(b"for a test")
ADDRESS = "ann.lee+list@mail.example.com"
CARD = card_of("4" + "1" * 14)
IBAN = iban_of("DE", "370400440532013000")

AROUND = st.text(st.characters(codec="utf-8", exclude_categories=("Nd", "L", "N")), max_size=8)


def cleaned(text, kinds=tuple(FINDERS)):
    return without(text, kinds, PSEUDONYMS)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("key", key) for key in KEYS),
        ("key", "Bearer ".lower() + "abcdefghij0123456789"),
        ("jwt", TOKEN),
        ("email", ADDRESS),
        ("email", "jürgen@bücher.example"),
        ("iban", IBAN),
        ("iban", " ".join(IBAN[at : at + 4] for at in range(0, len(IBAN), 4))),
        ("iban", iban_of("NO", "86011117947").lower()),
        ("card", CARD),
        ("card", "-".join(CARD[at : at + 4] for at in range(0, 16, 4))),
        ("card", card_of("37828224631000")),
    ],
)
def test_each_kind_is_found_wherever_it_stands(kind, text):
    """At the ends of a text, between words, in quotes and in brackets."""
    secret = text.removeprefix("bearer ")
    for around in ("{}", "say {} now", '"{}"', "({})", "<{}>", "a={}&b=1", "x\n{}\ty"):
        found = cleaned(around.format(text), (kind,))

        assert secret not in found
        assert f"[{kind}:" in found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pip install numpy@2.1.0 @decorator me@localhost a@b a @ b.example",
        "0.4111111111111111 1700000000000000000 1700000000000",  # a score, and times
        CARD[:-1] + str((int(CARD[-1]) + 1) % 10),
        "550e8400-e29b-41d4-a716-446655440000",
        IBAN[:-1] + str((int(IBAN[-1]) + 1) % 10),
        "task-force risk-averse-and-long-enough disk-utilisation-is-high",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "bearer of responsibilities eyJust.a.word",
        "[email:abcdefghijklmnopabcd]",
    ],
)
def test_what_only_looks_like_it_stays(text):
    """Versions, scores, times, ids, wrong check sums, public certificates, our own pseudonyms."""
    assert cleaned(text) == text


@settings(deadline=None)
@given(AROUND, st.emails(), AROUND)
def test_no_address_is_missed(before, address, after):
    """Whatever stands around it; what is left of an odd one does not give it away."""
    found = cleaned(f"{before} {address} {after}")

    assert address not in found
    assert "@" + address.rpartition("@")[2] not in found


@settings(deadline=None)
@given(AROUND, cards(), AROUND)
def test_no_card_is_missed(before, card, after):
    """With any of the usual separators."""
    assert card not in cleaned(f"{before} {card} {after}")


@settings(deadline=None)
@given(st.text(st.sampled_from('aA1@.-_ 4eyJskDE89[]:\\"\n') | st.characters(), max_size=200))
def test_twice_is_once_and_nothing_breaks(text):
    """There is nothing left to find in what was cleaned, for any text."""
    once = cleaned(text)

    assert cleaned(once) == once


@settings(deadline=None)
@given(st.lists(st.sampled_from([ADDRESS, CARD, IBAN, TOKEN, *KEYS, " ", "@", "-", "1", "x"])))
def test_secrets_glued_together_hide_none(pieces):
    """Taking one out lays open the next, which is taken out too."""
    once = cleaned("".join(pieces))

    assert cleaned(once) == once


def test_equal_values_have_equal_pseudonyms_and_only_those():
    """Joins stay possible; another key gives other names."""
    one, same, other = cleaned(f"{ADDRESS} {ADDRESS} x{ADDRESS}").split()

    assert one == same != other
    assert all(map(is_pseudonym, (one, same, other)))
    assert without(ADDRESS, ("email",), Pseudonyms(b"another")) != one


@pytest.mark.parametrize(
    "unit",
    [
        "a", "@", "a@", "a@b.", "1.", "123 ", "41", "4111 ", "eyJ", "eyJ.", " eyJa.", "sk-", " sk-",
        "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "DE89 ", "DE89", "DE", "bearer ", "a@b.com ",
    ],
)  # fmt: skip
def test_time_grows_with_the_text_and_no_faster(unit):
    """100 kB made to be slow take a second or two at worst; what backtracks would take hours."""
    text = "a@" + unit * (100_000 // len(unit))

    started = time.process_time()
    cleaned(text)

    assert time.process_time() - started < 10


def test_kinds_are_known_by_name():
    """The names that a config may use."""
    assert KINDS == ("card", "email", "iban", "jwt", "key")
