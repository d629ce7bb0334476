"""The line to the text gateway: signed, certain of whom it speaks to, and telling the log nothing."""

import contextlib
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from intake.channels.base import ChannelDown
from intake.channels.gateways import http
from intake.channels.gateways.base import Text
from tests import text_gateway, texting
from tests.casting import MARIA
from tests.test_settings import PRODUCTION, settings_with
from tests.texting import BEFORE, DUE_IN, promised, send
from tests.walk import log_lines

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(settings):
    with texting.gateway(settings) as gateway:
        yield gateway


# --- The line is safe ----------------------------------------------------------------------------


def self_signed(folder):
    """A server's certificate for 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begins = datetime.now(UTC) - timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=30))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


def hand_over(url, now):
    text = Text(to=MARIA, body="Reminder", key="k.1", at=now)
    with http.HttpGateway(url, (text_gateway.SECRET,)).reached() as line:
        line.send(text)


def test_a_gateway_without_a_good_certificate_is_told_nothing(tmp_path, now, monkeypatch):
    path, context = self_signed(tmp_path)
    with text_gateway.running(context) as gateway:
        with pytest.raises(http.GatewayDown):
            hand_over(f"https://127.0.0.1:{gateway.port}/", now)
        # The name has to fit as well.
        trusting = ssl.create_default_context(cafile=path)
        monkeypatch.setattr(http, "trusted", lambda: trusting)
        with pytest.raises(http.GatewayDown):
            hand_over(f"https://localhost:{gateway.port}/", now)
        assert gateway.paths == []
        hand_over(f"https://127.0.0.1:{gateway.port}/", now)
        assert len(gateway.texts) == 1


def test_a_gateway_is_asked_straight_not_through_a_proxy(agent, now, gateway, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    promised(agent, now)
    assert send(now + DUE_IN - BEFORE) == [True]


def test_a_wrong_secret_sends_nothing(agent, now, gateway, settings):
    settings.TEXT_GATEWAY_SECRETS = (b"x" * 32,)
    promised(agent, now)
    with pytest.raises(ChannelDown):
        send(now + DUE_IN - BEFORE)
    assert gateway.texts == []


def test_while_the_secret_is_changed_both_sign(agent, now, gateway, settings):
    settings.TEXT_GATEWAY_SECRETS = (b"x" * 32, text_gateway.SECRET)
    promised(agent, now)
    assert send(now + DUE_IN - BEFORE) == [True]


@pytest.mark.parametrize("manner", [202, 422, 429, 500, "drop"])
def test_the_log_holds_neither_number_nor_words(agent, now, gateway, manner):
    gateway.manner = manner
    with log_lines() as log:
        promised(agent, now)
        with contextlib.suppress(ChannelDown):
            send(now + DUE_IN - BEFORE)
    for secret in (MARIA, MARIA[2:], MARIA[-7:], "Reminder:", "Maria"):
        assert secret not in log.getvalue()


def test_the_console_shows_that_a_text_would_go_and_no_number(agent, now, settings):
    settings.TEXT_GATEWAY = "console"
    with log_lines() as log:
        promised(agent, now)
        assert send(now + DUE_IN - BEFORE) == [True]
    line = next(line for line in log.getvalue().splitlines() if "gateways.console" in line)
    assert "text of 75 characters" in line
    assert MARIA[-7:-2] not in line
    assert "12:00" not in line


def test_a_text_is_never_printed():
    text = Text(to=MARIA, body="Reminder", key="k", at=datetime(2026, 3, 10, tzinfo=UTC))
    assert MARIA not in repr(text)
    assert "Reminder" not in repr([text])


# --- Settings ------------------------------------------------------------------------------------

HTTP = {
    "TEXT_GATEWAY": "http",
    "TEXT_GATEWAY_URL": "https://texts.example.org/send",
    "TEXT_GATEWAY_SECRET": text_gateway.SECRET_WORD,
}
WEAK = "whsec_aHVudGVyMg=="


@pytest.mark.once
@pytest.mark.parametrize(
    ("variables", "hint"),
    [
        ({"TEXT_GATEWAY": "sms"}, "TEXT_GATEWAY must be off, console or http"),
        ({**PRODUCTION, "TEXT_GATEWAY": "console"}, "console sends nothing"),
        ({**HTTP, "TEXT_GATEWAY_URL": ""}, "TEXT_GATEWAY_URL must look like"),
        ({**HTTP, "TEXT_GATEWAY_URL": "texts.example.org"}, "TEXT_GATEWAY_URL must look like"),
        ({**HTTP, "TEXT_GATEWAY_URL": "http://texts.example.org/"}, "(http only for 127.0.0.1"),
        ({**HTTP, "TEXT_GATEWAY_URL": "https://u:hunter2@example.org"}, "name or password"),
        ({**HTTP, "TEXT_GATEWAY_URL": "https://example.org:99999/"}, "must look like"),
        ({**HTTP, "TEXT_GATEWAY_URL": "ftp://localhost/"}, "must look like"),
        ({**HTTP, "TEXT_GATEWAY_SECRET": ""}, "Set TEXT_GATEWAY_SECRET or"),
        ({**HTTP, "TEXT_GATEWAY_SECRET": "hunter2"}, "TEXT_GATEWAY_SECRET: A secret is whsec_"),
        ({**HTTP, "TEXT_GATEWAY_SECRET_FILE": "x"}, "not both"),
        ({"PHONE_WEBHOOK_SECRET": WEAK}, "PHONE_WEBHOOK_SECRET: A secret is whsec_"),
        ({"PHONE_WEBHOOK_SECRET_FILE": "absent"}, "the file cannot be read"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_hint_that_quotes_no_value(
    tmp_path, variables, hint
):
    printed, error = settings_with(tmp_path, **variables)
    assert printed == ""
    assert hint in error
    assert "hunter2" not in error
    assert WEAK not in error


@pytest.mark.once
def test_nothing_set_texts_nobody_and_listens_to_no_phone_system(tmp_path):
    show = "s.TEXT_GATEWAY, s.TEXT_GATEWAY_SECRETS, s.PHONE_WEBHOOK_SECRETS"
    assert settings_with(tmp_path, show)[0] == "off () ()"


@pytest.mark.once
def test_good_settings_are_taken(tmp_path):
    secrets = f"{text_gateway.SECRET_WORD}, {text_gateway.SECRET_WORD}"
    for url in (HTTP["TEXT_GATEWAY_URL"], "http://127.0.0.1:8080/", "http://[::1]/x?y=1"):
        variables = {**HTTP, "TEXT_GATEWAY_URL": url, "PHONE_WEBHOOK_SECRET": secrets}
        show = "s.TEXT_GATEWAY_SECRETS[0].decode(), len(s.PHONE_WEBHOOK_SECRETS)"
        assert settings_with(tmp_path, show, **variables) == (
            f"{text_gateway.SECRET.decode()} 2",
            "",
        )
