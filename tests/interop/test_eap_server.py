"""Our embedded RADIUS server against eapol_test (wpa_supplicant's EAP), over UDP: every method, good and bad."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auth8021x.eapserver.udp import EapServerSockets
from tests.auth8021x.certificates import OTHER
from tests.interop import embedded_radius
from tests.interop.embedded_radius import SECRET
from tests.interop.process import said_by
from tests.interop.supplicant import password_network, tls_network


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dot1x")
    embedded_radius.make_certificates(folder)
    return folder


@pytest.fixture
async def listening(needs, certificates: Path, tmp_path: Path) -> AsyncIterator[EapServerSockets]:
    needs("eapol_test")
    with embedded_radius.listening(certificates, tmp_path) as sockets:
        yield sockets


def with_password(method: str, password: str, folder: Path, identity: str = "vt1") -> str:
    return password_network(method, password, embedded_radius.trust(folder), identity)


def with_certificate(name: str, folder: Path, where: str = "", trusts: str = "") -> str:
    return tls_network(name, folder / where / name, embedded_radius.trust(folder / trusts))


async def eapol_test(folder: Path, sockets: EapServerSockets, network: str, *more: str, secret: str = SECRET) -> str:
    """What it says at the end: SUCCESS or FAILURE, and all that it said before."""
    path = folder / "eapol_test.conf"
    path.write_text("network={\nkey_mgmt=IEEE8021X\neapol_flags=0\n" + network + "\n}\n")
    # -n: without the keys of Wi-Fi. The secret of a test may stand in a list of processes; there is no other way.
    process = await asyncio.create_subprocess_exec(
        "eapol_test", "-c", str(path), "-a", "127.0.0.1", "-p", str(sockets.ports[0]), "-s", secret, "-n", "-t", "8",
        *more, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await said_by(process)
    return out.decode(errors="replace")


@pytest.mark.parametrize("method", ["MD5", "PEAP", "TTLS"])
async def test_passwords(listening: EapServerSockets, certificates: Path, tmp_path: Path, method: str):
    said = await eapol_test(tmp_path, listening, with_password(method, "vtpass1", certificates))
    assert said.endswith("SUCCESS\n"), said[-2000:]
    assert "Attribute 81 (Tunnel-Private-Group-Id)" in said
    said = await eapol_test(tmp_path, listening, with_password(method, "guess", certificates))
    assert said.endswith("FAILURE\n"), said[-2000:]
    assert "EAP-FAILURE" in said
    assert "Tunnel-Private-Group-Id" not in said
    said = await eapol_test(tmp_path, listening, with_password(method, "vtpass1", certificates, "nobody"))
    assert said.endswith("FAILURE\n"), said[-2000:]
    counters = listening.core.counters
    assert (counters["accepted"], counters["wrong-password"], counters["unknown-identity"]) == (1, 1, 1)


@pytest.mark.parametrize("method", ["PEAP", "TTLS"])
async def test_nobody_gets_in_under_anothers_name(
    listening: EapServerSockets, certificates: Path, tmp_path: Path, method: str
):
    network = with_password(method, "vtpass1", certificates).replace('"anonymous"', '"cart-7"')
    said = await eapol_test(tmp_path, listening, network)
    assert said.endswith("FAILURE\n"), said[-2000:]
    assert "EAP-FAILURE" in said
    assert listening.core.counters["other-identity"] == 1


async def test_certificates(listening: EapServerSockets, certificates: Path, tmp_path: Path):
    said = await eapol_test(tmp_path, listening, with_certificate("cart-7", certificates))
    assert said.endswith("SUCCESS\n"), said[-2000:]
    for name, where, counter, alert in (
        ("expired", "", "bad-certificate", "certificate expired"),
        ("cart-7", OTHER, "bad-certificate", "unknown CA"),
        ("stranger", "", "unknown-identity", ""),
    ):
        before = listening.core.counters[counter]
        said = await eapol_test(tmp_path, listening, with_certificate(name, certificates, where))
        assert said.endswith("FAILURE\n"), said[-2000:]
        assert "EAP-FAILURE" in said
        assert alert in said
        assert listening.core.counters[counter] == before + 1
    said = await eapol_test(tmp_path, listening, with_certificate("cart-7", certificates, trusts=OTHER))
    assert said.endswith("FAILURE\n"), said[-2000:]
    assert listening.core.counters["tls-refused"] == 1


@pytest.mark.parametrize("method", ["TLS", "PEAP", "TTLS", "MD5"])
async def test_again_and_again(listening: EapServerSockets, certificates: Path, tmp_path: Path, method: str):
    network = (
        with_certificate("cart-7", certificates) if method == "TLS" else with_password(method, "vtpass1", certificates)
    )
    said = await eapol_test(tmp_path, listening, network, "-r", "5")
    assert said.endswith("SUCCESS\n"), said[-2000:]
    assert listening.core.counters["accepted"] == 6


@pytest.mark.parametrize("size", [100, 300])
async def test_small_fragments_both_ways(listening: EapServerSockets, certificates: Path, tmp_path: Path, size: int):
    network = f"{with_certificate('cart-7', certificates)}\nfragment_size={size}"
    said = await eapol_test(tmp_path, listening, network, "-N", f"12:d:{size + 50}")
    assert said.endswith("SUCCESS\n"), said[-2000:]


async def test_a_wrong_secret_gets_no_answer(listening: EapServerSockets, certificates: Path, tmp_path: Path):
    network = with_certificate("cart-7", certificates)
    said = await eapol_test(tmp_path, listening, network, "-t", "3", secret="u7-Qm2xR9_fKz4Lw8vTc")
    assert not said.endswith("SUCCESS\n")
    assert listening.core.counters["wrong-message-authenticator"] >= 1
    assert listening.core.counters["challenged"] == 0
