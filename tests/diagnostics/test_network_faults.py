"""Real network faults on the way to Xero: wrong certificate, closed port, no proxy; a wrong practice."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.application.fixtures import PracticeFixture
from tests.diagnostics.fixtures import by_name
from xpm_tui.application.connection import ConnectionMachine
from xpm_tui.application.health.probe_facts import Machine, open_target
from xpm_tui.application.home import find_home
from xpm_tui.diagnostics.error_presenter import present
from xpm_tui.domain.errors import CaseId, DecisionNeeded, LoginNeeded


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for, as an inspecting device would show."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Inspecting Box")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@asynccontextmanager
async def server(context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Answers anything with an empty page."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    serving = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with serving:
        yield serving.sockets[0].getsockname()[1]


def environment(port: int, scheme: str) -> dict[str, str]:
    places = ("LOGIN_URL", "IDENTITY_URL", "API_URL")
    return {f"XPM_TUI_XERO_{place}": f"{scheme}://127.0.0.1:{port}" for place in places}


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    home = find_home(str(tmp_path / "home"), {})
    async with server(certificate(tmp_path)) as port:
        with open_target(home, environ=environment(port, "https"), person="mere") as patient:
            results = await by_name(patient, Machine())
    found = results["tls"]
    assert (found.verdict, found.case, found.exit_code) == ("trouble", CaseId.TLS, 7)


async def test_the_company_s_own_certificate_once_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = find_home(str(tmp_path / "home"), {})
    async with server(certificate(tmp_path)) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        with open_target(home, environ=environment(port, "https"), person="mere") as patient:
            results = await by_name(patient, Machine())
    assert results["tls"].verdict == "ok"
    assert any("certificate by Inspecting Box" in fact for fact in results["tls"].evidence)


async def test_nobody_listens(tmp_path: Path) -> None:
    home = find_home(str(tmp_path / "home"), {})
    async with server(None) as port:
        pass
    with open_target(home, environ=environment(port, "http"), person="mere") as patient:
        results = await by_name(patient, Machine())
    assert (results["tls"].verdict, results["tls"].case) == ("trouble", CaseId.NO_NETWORK)


async def test_a_proxy_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = find_home(str(tmp_path / "home"), {})
    async with server(None) as port:
        pass
    monkeypatch.setenv("HTTPS_PROXY", f"http://ana:geheim@127.0.0.1:{port}")
    with open_target(home, environ={}, person="mere") as patient:
        results = await by_name(patient, Machine())
    reported = repr(results)
    assert "geheim" not in reported
    assert f"https: http://127.0.0.1:{port}" in results["proxy"].evidence
    assert "trouble" in (results["proxy"].verdict, results["tls"].verdict)


@pytest.fixture
def env(tmp_path: Path) -> Iterator[PracticeFixture]:
    made = PracticeFixture(tmp_path)
    yield made
    made.close()


async def test_another_practice_and_several_name_their_case(env: PracticeFixture) -> None:
    await env.connect()
    connecting = ConnectionMachine(env.practice, {})
    second = [t.uuid for t in env.sandbox.tenants.values() if t.kind == "PRACTICEMANAGER"][1]
    await env.sign_in(connecting, tenant=second)
    with pytest.raises(DecisionNeeded) as several:
        await connecting.choose()
    assert present(several.value).problem.id is CaseId.SECOND_PRACTICE  # type: ignore[union-attr]
    with pytest.raises(DecisionNeeded) as other:
        await connecting.choose(second)
    assert present(other.value).problem.id is CaseId.WRONG_PRACTICE  # type: ignore[union-attr]


async def test_cancel_names_its_case(env: PracticeFixture) -> None:
    connecting = ConnectionMachine(env.practice, {})
    with pytest.raises(LoginNeeded) as cancelled:
        await env.sign_in(connecting, deny=True)
    assert present(cancelled.value).problem.id is CaseId.CANCELLED  # type: ignore[union-attr]
