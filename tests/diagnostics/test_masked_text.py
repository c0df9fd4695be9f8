"""What a masked text must not contain: names in any form, secrets, e-mail addresses."""

from __future__ import annotations

import pytest

from xpm_tui.diagnostics.masking import Mask


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
