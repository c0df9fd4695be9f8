"""Variables about proxies and certificates: an invalid one is named with its value and what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.support.socks_proxy import HOST, socks_proxy
from xpm_tui.domain.errors import CaseId, XeroUnreachable
from xpm_tui.xero.client.environment import NetworkEnvironment
from xpm_tui.xero.client.transport import Network, NoReply, TransportRequest
from xpm_tui.xero.config import Timeouts, WireConfig

FAULTS: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"ALL_PROXY": "socks5://ana:geheim@gate:1080"}, "ALL_PROXY is socks5://***@gate:1080", "xpm-tui[socks]"),
    ({"all_proxy": "socks://gate:1080"}, "all_proxy is socks://gate:1080", "xpm-tui[socks]"),
    ({"HTTPS_PROXY": "ftp://gate"}, '("ftp")', "unset HTTPS_PROXY"),
    ({"HTTPS_PROXY": "http://[::1"}, "HTTPS_PROXY is http://[::1", "http://HOST:PORT"),
    ({"https_proxy": "ana:ge/h@eim@gate:99999"}, "https_proxy is ***@gate:99999", "http://HOST:PORT"),
    ({"HTTPS_PROXY": "http://two words:1"}, "not the address of a proxy", "http://HOST:PORT"),
    ({"HTTPS_PROXY": "http://"}, "not the address of a proxy", "unset HTTPS_PROXY"),
    (
        {"SSL_CERT_FILE": "/nonexistent/ca.pem"},
        "SSL_CERT_FILE is /nonexistent/ca.pem, which does not",
        "unset",
    ),
    ({"SSL_CERT_FILE": "/dev/null"}, "is not a file", "SSL_CERT_FILE"),
    ({"SSL_CERT_FILE": __file__}, "no certificate that can be read", "SSL_CERT_FILE"),
    ({"SSL_CERT_DIR": "/nonexistent:/void"}, "SSL_CERT_DIR is /nonexistent:/void", "SSL_CERT_FILE"),
    (
        {"SSL_CERT_DIR": str(Path(__file__).parent)},
        "no certificates that OpenSSL finds",
        "unset SSL_CERT_DIR",
    ),
)


@pytest.mark.parametrize(("environ", "words", "hint"), FAULTS)
async def test_a_variable_that_cannot_be_used_is_named_before_anything_is_sent(
    environ: dict[str, str], words: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # the extra is not installed
    network = Network(WireConfig(client_id="a"), environ=environ)
    with pytest.raises(XeroUnreachable) as reported:
        async with network.open(TransportRequest("GET", "https://api.xero.com/", {})):
            raise AssertionError("nothing may be sent")
    assert words in reported.value.message
    assert hint in reported.value.hint
    assert reported.value.case is (CaseId.PROXY if "proxy" in str(environ).lower() else CaseId.TLS)
    assert "geheim" not in reported.value.message + reported.value.hint
    assert network.notices() == [], "it stops every call to Xero"
    here = "http://127.0.0.1:1"
    local = Network(
        WireConfig(client_id="a", login_url=here, identity_url=here, api_url=here), environ=environ
    )
    assert [words in each.message for each in local.notices()] == [True]


@pytest.mark.parametrize(
    ("value", "direct"),
    [
        ("", False), ("*", True), ("xero.com", True), (".xero.com", True), ("*.xero.com", True),
        ("ero.com", False), ("api.xero.com:443", True), ("api.xero.com:80", False), ("API.XERO.COM.", True),
        ("fe11::/16,[::1],..,/,[,::,x y", False), ("localhost, api.xero.com", True),
    ],
)  # fmt: skip
def test_no_proxy_is_read_in_any_form(value: str, direct: bool) -> None:
    environment = NetworkEnvironment({"HTTPS_PROXY": "gate:3128", "NO_PROXY": value})
    route = environment.proxy_for("https", "api.xero.com", 443)
    assert (route is None) is direct
    assert route is None or (route.url, route.shown) == ("http://gate:3128", "HTTPS_PROXY (gate:3128)")
    for host, inside in (("fe11::7", "fe11::/16" in value), ("::1", "[::1]" in value)):
        assert (environment.proxy_for("https", host, 443) is None) is (inside or value == "*")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpcore leaves it open
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("refuses", 'refused the connection: "Proxy Server could not connect: Connection refused"'),
        ("hangs-up", "does not speak SOCKS5, or closed the connection (ProtocolError)"),
        ("babbles", "does not speak SOCKS5, or closed the connection (ProtocolError)"),
        ("silent", "did not answer within 0 seconds"),
    ],
)
async def test_a_socks_proxy_that_fails_is_named_and_nothing_was_sent(
    tmp_path: Path, fault: str, words: str
) -> None:
    pytest.importorskip("socksio", reason="the extra socks is not installed")
    with socks_proxy(tmp_path, 9, login="ana:geheim", fault=fault) as proxy:
        environ = {"ALL_PROXY": proxy.url, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        network = Network(WireConfig(client_id="a", timeouts=Timeouts(connect=0.2)), environ=environ)
        with pytest.raises(NoReply) as caught:
            async with network.open(TransportRequest("POST", f"https://{HOST}/", {}, body=b"x")):
                raise AssertionError("nothing may be sent")
        await network.aclose()
    assert (caught.value.kind, caught.value.sent, caught.value.words) == ("proxy", False, words)
    assert caught.value.proxy == f"ALL_PROXY (socks5h://***@127.0.0.1:{proxy.port})"
