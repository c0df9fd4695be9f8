"""Masking of what leaves the machine: names are replaced; secrets and numbers never appear."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpm_tui.diagnostics import masking
from xpm_tui.diagnostics.masking import HIDDEN, Mask
from xpm_tui.domain.secret import Secret

NAMES = [("Kowhai Plumbing Pty Ltd", "client c1"), ("Kowhai", "client c2"), ("ACME [/] Pty", "client c3")]


def test_the_longest_name_is_taken_and_always_by_the_same_stand_in() -> None:
    mask = Mask(names=NAMES)
    assert mask.text("Kowhai Plumbing Pty Ltd and KOWHAI, then kowhai plumbing pty ltd.") == (
        "client c1 and client c2, then client c1."
    )
    assert mask.text("ACME [/] Pty; Kowhaiville") == "client c3; Kowhaiville"


def test_words_in_quotes_and_addresses_of_people_go() -> None:
    mask = Mask()
    assert mask.text('XPM refused: "No client Zoë Müller".') == 'XPM refused: "[words]".'
    assert mask.text("Write to zoe@harbour.example.") == "Write to [e-mail]"


def test_people_have_numbers() -> None:
    mask = Mask()
    assert [mask.person(name) for name in ("ana", "tom", "ana", "")] == [
        "person 1",
        "person 2",
        "person 1",
        "",
    ]
    assert mask.text("It is held by ana on desk-3.") == "It is held by person 1 on desk-3."


def test_paths_do_not_reveal_the_account() -> None:
    mask = Mask(places={"/home/ana": "~", "/home/ana/.local/state": "<state>"})
    assert mask.text("/home/ana/.local/state/log, /home/ana/x") == "<state>/log, ~/x"


def test_with_names_kept_secrets_and_tax_numbers_still_go() -> None:
    mask = Mask(names=NAMES, secrets=[Secret("very-secret-token")], keep_names=True)
    reported = mask.text('Kowhai: "very-secret-token", 123-456-789, 51 824 753 556, ******789')
    assert reported.startswith("Kowhai: ")
    assert "secret-token" not in reported
    assert not any(part in reported for part in ("123", "824", "789"))


def test_ids_stay_whole() -> None:
    text = "12345678-1234-4abc-8def-1234567890ab run r12 of 2026-11-22 16:50 UTC"
    assert Mask().text(text) == text


def test_what_looks_like_a_token_goes_even_when_nobody_knows_it() -> None:
    mask = Mask(keep_names=True)
    reported = mask.text("Bearer abcdefgh ?code=abc-def&state=1 eyJhbGciOi.eyJzdWIiOi.c2ln")
    assert reported == f"Bearer {HIDDEN} ?code={HIDDEN}&state=1 {HIDDEN}"


def _structs(base: type[msgspec.Struct] = msgspec.Struct) -> Iterator[type[msgspec.Struct]]:
    for each in base.__subclasses__():
        yield each
        yield from _structs(each)


def test_every_attribute_with_a_rule_of_its_own_exists() -> None:
    known = {f"{each.__name__}.{name}" for each in _structs() for name in each.__struct_fields__}
    ruled = masking.SENTENCES | masking.FINGERPRINTS
    assert {each for each in ruled - known if not each.startswith("Meta.")} == set()


@given(st.text(min_size=1, max_size=30).filter(lambda s: s.strip()), st.text(max_size=60))
def test_no_name_survives_on_its_own(name: str, around: str) -> None:
    clean = name.strip()
    reported = Mask(names=[(clean, "X")]).text(f"{around} | {clean} | {around}")
    kept = unicodedata.normalize("NFC", clean)
    assert f"| {kept} |" not in reported or kept == "X"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Smith Family Trust 2019-2020", "XPM has no client Smith Family Trust 2019-2020."),
        ('The "Best" Bakery', 'Client The "Best" Bakery is unknown here'),
        ("Jane Doe <jane@x.nz>", "said Jane Doe <jane@x.nz> here"),
        ("Strauß", "said STRAUSS here"),
        ("İstanbul Ltd", "said İSTANBUL LTD here"),
        ("ΜΑΡΙΟΣ", "said Μαριος here"),
        ("山田太郎", "顧客山田太郎様"),
        ("Kowhai Plumbing", "x_Kowhai Plumbing_y"),
        ("STRAUSS", "said Strauß here"),
        ("A**12 Holdings", "said A**12 Holdings here"),
        ("O'Brien & Sons", "said O'Brien & Sons"),
    ],
)
def test_masked(name: str, text: str) -> None:
    reported = Mask(names=[(name, "client c1")]).text(text)
    for word in name.replace('"', " ").replace("<", " ").split():
        if len(word) > 3 and word.isalpha():
            assert word.casefold() not in reported.casefold(), reported


@pytest.mark.parametrize(
    "text",
    [
        "mail jane.doe@example.com now",
        "mail JANE.DOE@EXAMPLE.COM",
        "mail jänë@exämple.com",
        "mail O'Brien@example.com",
        'mail "jane doe"@example.com',
        "https://x/?access_token=abc123def456ghi",
        "client_secret=abc123def456ghi",
        "BEARER abc123def456ghi",
        "id_token=abc123def456ghi",
    ],
)
def test_secrets_and_mails(text: str) -> None:
    reported = Mask().text(text)
    for word in ("jane", "jänë", "Brien", "abc123"):
        assert word.casefold() not in reported.casefold()
