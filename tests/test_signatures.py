"""Signed messages: the scheme of Standard Webhooks, both ways."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from helpline import signatures
from helpline.signatures import BadSecret, NotSigned

pytestmark = pytest.mark.once

NOW = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
SECRET, OTHER = b"s" * 32, b"o" * 32
BODY = b'{"type":"missed_call"}'


def signed(*secrets, at=NOW, body=BODY, message_id="evt-1"):
    return signatures.headers(secrets or [SECRET], message_id=message_id, at=at, body=body)


def refusal(given, *, body=BODY, secrets=(SECRET,), now=NOW):
    with pytest.raises(NotSigned) as refused:
        signatures.verify(given, body=body, keys=secrets, now=now)
    return refused.value.code


def test_a_message_signed_by_the_published_example_is_ours_to_the_letter():
    """The example of the scheme's own libraries, so that any of them can talk to us."""
    (secret,) = signatures.read_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = signatures.sign(
        secret,
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        seconds=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_we_sign_we_take():
    assert signatures.verify(signed(), body=BODY, keys=[SECRET], now=NOW) == "evt-1"


def test_while_a_secret_is_changed_both_are_taken_whichever_signed():
    for given in (signed(SECRET), signed(OTHER), signed(SECRET, OTHER)):
        assert signatures.verify(given, body=BODY, keys=[OTHER, SECRET], now=NOW) == "evt-1"
    assert refusal(signed(SECRET), secrets=[OTHER]) == "wrong_signature"


def test_a_changed_body_id_or_time_is_refused():
    assert refusal(signed(), body=BODY + b" ") == "wrong_signature"
    assert refusal({**signed(), "webhook-id": "evt-2"}) == "wrong_signature"
    later = str(int(NOW.timestamp()) + 1)
    assert refusal({**signed(), "webhook-timestamp": later}) == "wrong_signature"


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 86_400])
def test_a_message_from_another_time_is_refused(seconds):
    assert refusal(signed(at=NOW + timedelta(seconds=seconds))) == "not_from_now"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_clock_that_is_a_little_off_does_no_harm(seconds):
    given = signed(at=NOW + timedelta(seconds=seconds))
    assert signatures.verify(given, body=BODY, keys=[SECRET], now=NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", ""),
        ("webhook-id", "a" * 201),
        ("webhook-id", 'x.1.{"a"'),
        ("webhook-id", "zwölf"),
        ("webhook-timestamp", ""),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "-5"),
        ("webhook-timestamp", "9" * 400),
        ("webhook-timestamp", "٣"),
        ("webhook-timestamp", "1e9"),
    ],
)
def test_what_is_no_header_of_the_scheme_is_refused(name, value):
    assert refusal({**signed(), name: value}) == "headers_missing"


@pytest.mark.parametrize(
    "signature", ["", "v1", "v1,", "v2,AAAA", "ü" * 40, "\udcff", "v1a,AAAA", "v1,AAAA " * 500]
)
def test_what_is_no_signature_is_refused(signature):
    assert refusal({**signed(), "webhook-signature": signature}) == "wrong_signature"


def test_no_secret_takes_nothing():
    assert refusal(signed(), secrets=()) == "wrong_signature"


def test_a_fresh_secret_is_one_and_never_the_same():
    made = {signatures.new_secret() for _ in range(3)}
    assert {len(signatures.read_secrets(word)[0]) for word in made} == {32}
    assert len(made) == 3


def test_secrets_are_read_with_or_without_their_prefix_several_at_a_time():
    words = [base64.b64encode(secret).decode() for secret in (SECRET, OTHER)]
    assert signatures.read_secrets(f"whsec_{words[0]}, {words[1]}\n") == (SECRET, OTHER)
    assert signatures.read_secrets("") == ()


@pytest.mark.parametrize("size", [0, 5, 23, 65])
def test_a_weak_or_overlong_secret_is_refused_and_not_repeated(size):
    word = base64.b64encode(b"z" * size).decode() or "whsec_"
    with pytest.raises(BadSecret) as refused:
        signatures.read_secrets(word)
    assert word not in str(refused.value).replace("whsec_ and", "")


def test_what_is_no_base64_is_refused():
    with pytest.raises(BadSecret):
        signatures.read_secrets("hunter2-hunter2-hunter2-hunter2-hunter2!")
