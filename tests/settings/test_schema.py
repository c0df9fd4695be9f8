"""The schema of settings: every type accepts what it says, and refuses the rest with a sentence."""

from __future__ import annotations

import pickle

import pytest

from xpm_tui.domain.errors import BadInput
from xpm_tui.domain.fields import SYNCED
from xpm_tui.domain.secret import Secret
from xpm_tui.settings import schema
from xpm_tui.settings.kinds import PRESETS, SettingEntry, format_value, parse_scopes
from xpm_tui.settings.store import parse_setting


def parse(key: str, text: str) -> object:
    return parse_setting(schema.entry(key), text, "")


def test_keys_are_unique_and_every_setting_is_explained() -> None:
    keys = [entry.key for entry in schema.SCHEMA]
    assert len(set(keys)) == len(keys) == len(schema.BY_ENV)
    for entry in schema.SCHEMA:
        assert entry.help.endswith(".")
        assert entry.key.rpartition(".")[0] in schema.SECTIONS


@pytest.mark.parametrize("entry", schema.SCHEMA, ids=lambda entry: entry.key)
def test_every_default_is_a_value_of_its_own_kind(entry: SettingEntry) -> None:
    if not entry.secret:
        assert entry.kind.parse(format_value(entry.default)) == entry.default


def test_the_named_addresses_and_keys_of_the_real_xero() -> None:
    defaults = {entry.key: entry.default for entry in schema.SCHEMA}
    assert defaults["xero.login_url"] == "https://login.xero.com"
    assert defaults["xero.identity_url"] == "https://identity.xero.com"
    assert defaults["xero.api_url"] == "https://api.xero.com"
    assert defaults["xero.redirect_port"] == 8765
    assert schema.entry("xero.api_url").env == "XPM_TUI_XERO_API_URL"


def test_the_fields_that_can_be_switched_off_are_those_of_the_policy() -> None:
    assert set(schema.FIELDS) == {rule.name for rule in SYNCED}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("xero.api_url", "https://api.xero.com/", "https://api.xero.com"),
        ("xero.api_url", " http://localhost:8080 ", "http://localhost:8080"),
        ("xero.api_url", "http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("xero.api_url", "http://[::1]:9", "http://[::1]:9"),
        ("xero.scopes", "Read only", "read_only"),
        ("xero.scopes", "practicemanager  openid", "practicemanager openid"),
        ("xero.scopes", " ".join(PRESETS["broad"]), "broad"),
        ("sync.direction", "From-XPM", "from_xpm"),
        ("sync.off", "fax, website,fax", ("fax", "website")),
        ("sync.off", "", ()),
        ("sync.daily_push", "TRUE", True),
        ("sync.daily_push", "off", False),
        ("sync.create_lag", "0", 0),
        ("schedule.at", "7:05", "07:05"),
        ("practice.timezone", "Pacific/Auckland", "Pacific/Auckland"),
        ("practice.timezone", "", ""),
        ("jobs.name", "{client} {period}", "{client} {period}"),
    ],
)
def test_a_good_text_becomes_a_value(key: str, text: str, value: object) -> None:
    assert parse(key, text) == value


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("xero.api_url", "api.xero.com", "such as https://api.xero.com"),
        ("xero.api_url", "https://api.xero.com/practicemanager/3.1", "must end after host and port"),
        ("xero.api_url", "http://api.xero.com", "this machine only"),
        ("xero.api_url", "http://localhost.evil.example", "this machine only"),
        ("xero.api_url", "https://u:p@api.xero.com", "such as https"),
        ("xero.api_url", "https://api.xero.com:99999", "not a web address"),
        ("xero.scopes", "openid profile", "granular"),
        ("xero.scopes", 'practicemanager "quoted"', "granular"),
        ("xero.redirect_port", "80", "from 1024 to 65535"),
        ("xero.redirect_port", "８７６５", "whole number"),
        ("xero.redirect_port", "1e4", "whole number"),
        ("sync.direction", "both", "from_xpm, to_xpm"),
        ("sync.off", "webside", "did you mean website"),
        ("sync.daily_push", "maybe", "yes or no"),
        ("schedule.at", "24:00", "such as 06:30"),
        ("practice.timezone", "Middle/Earth", "tz database"),
        ("practice.timezone", "../../etc/passwd", "tz database"),
        ("jobs.name", "{proposal.__class__}", "no other brace"),
        ("jobs.name", "{proposal", "no other brace"),
        ("jobs.name", " ", "must have a name"),
        ("xero.client_id", "a\nb", "control character"),
        ("xero.client_id", "a" * 5000, "longer than"),
    ],
)
def test_a_bad_text_is_refused_with_key_and_reason(key: str, text: str, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(key, text)
    assert refused.value.message.startswith(f"{key} cannot be ")
    assert says in refused.value.message
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sync.directon", "sync.direction"),
        ("direction", "sync.direction"),
        ("xero.client-idd", "xero.client_id"),
        ("guard.field_pct", "guard.field_percent"),
    ],
)
def test_an_unknown_key_names_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(BadInput) as refused:
        schema.entry(typed)
    assert refused.value.hint == f"Did you mean {meant}?"


def test_nothing_is_guessed_for_a_key_like_no_other() -> None:
    with pytest.raises(BadInput) as refused:
        schema.entry("zzz\x1b[31m")
    assert "settings list" in refused.value.hint
    assert "\x1b" not in refused.value.message


def test_a_key_is_found_however_it_is_written() -> None:
    assert schema.entry("Xero.Client-ID").key == "xero.client_id"


def test_a_secret_has_no_text() -> None:
    secret = Secret("s3cret")
    assert "s3cret" not in f"{secret} {secret!r} {[secret]} {format_value(secret)}"
    assert secret
    assert not Secret("")
    assert secret == Secret("s3cret")
    assert secret.reveal() == "s3cret"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(BadInput) as refused:
        parse("xero.client_secret", "s3cret\n")
    assert "s3cret" not in refused.value.message + refused.value.hint


def test_presets_ask_for_a_refresh_token_and_for_practice_manager() -> None:
    for name in PRESETS:
        assert "offline_access" in parse_scopes(name)
        assert any(scope.startswith("practicemanager") for scope in parse_scopes(name))
    assert all(scope.endswith(".read") for scope in parse_scopes("read_only")[4:])
