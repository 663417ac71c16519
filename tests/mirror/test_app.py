"""The token an App signs, and what is said when there is none to be signed or it is refused."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mirror.github.answers import Answer
from mirror.github.app import app_jwt
from mirror.github.tokens import AppTokens, lent_of
from storage.errors import ConfigError

NOW = 1_700_000_000.5
RSA = rsa.generate_private_key(65537, 2048)
NO_ENCRYPTION = serialization.NoEncryption()


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, pkcs1: bool = True) -> str:
    form = serialization.PrivateFormat
    return key.private_bytes(
        serialization.Encoding.PEM,
        form.TraditionalOpenSSL if pkcs1 else form.PKCS8,
        NO_ENCRYPTION,
    ).decode()


@pytest.mark.parametrize("pkcs1", [True, False])
def test_the_token_is_good_for_some_minutes_on_either_side_of_now(pkcs1: bool) -> None:
    token = app_jwt(" Iv1.abc \n", pem(RSA, pkcs1=pkcs1), now=NOW)
    claims = jwt.decode(
        token,
        RSA.public_key(),
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == "Iv1.abc"
    assert claims["iat"] == NOW // 1 - 60
    # GitHub allows ten minutes, by its own clock.
    assert NOW < claims["exp"] <= NOW + 540


NO_KEYS = {
    "nothing": "",
    "a path": "/etc/bugfoundry/key.pem",
    "a broken key": "-----BEGIN RSA PRIVATE KEY-----\nMIIsecret\n-----END RSA PRIVATE KEY-----\n",
    "a key of another kind": pem(ec.generate_private_key(ec.SECP256R1())),
    "half a key": pem(RSA)[:800],
}


@pytest.mark.parametrize("key", NO_KEYS.values(), ids=NO_KEYS)
def test_a_key_that_is_none_is_told_in_one_line_that_does_not_show_it(key: str) -> None:
    with pytest.raises(ConfigError, match=r"^the App's private key is none.+$") as refused:
        app_jwt("5", key, now=NOW)
    assert refused.value.__cause__ is None
    assert "secret" not in str(refused.value)


def test_an_app_without_an_id_is_told() -> None:
    with pytest.raises(ConfigError, match="id is missing"):
        app_jwt("  ", pem(RSA), now=NOW)


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (NOW + 600, "this machine's clock is 10 minutes ahead of GitHub's"),
        (NOW - 1200, "this machine's clock is 20 minutes behind GitHub's"),
        (NOW + 61, "this machine's clock is 1 minute ahead of GitHub's"),
        (NOW + 50, "its id and its private key do not belong together"),
        (NOW - 400, "its id and its private key do not belong together"),
    ],
)
def test_a_clock_that_is_off_is_told_when_the_app_is_refused(ours: float, said: str) -> None:
    tokens = AppTokens("5", pem(RSA), clock=lambda: ours)
    answer = Answer(status=401, headers={"date": "Tue, 14 Nov 2023 22:13:20 GMT"})
    assert said in tokens.refusal(answer, ours)


@pytest.mark.parametrize("date", ["", "yesterday", None])
def test_without_a_date_the_clock_is_not_blamed(date: str | None) -> None:
    tokens = AppTokens("5", pem(RSA), clock=lambda: NOW)
    headers = {} if date is None else {"date": date}
    assert "clock" not in tokens.refusal(Answer(status=401, headers=headers), NOW)


def test_the_end_of_a_token_is_kept_by_our_own_clock() -> None:
    data = {"token": "ghs_x", "expires_at": "2023-11-14T23:13:20Z"}
    headers = {"date": "Tue, 14 Nov 2023 22:13:20 GMT"}
    lent = lent_of(Answer(status=201, headers=headers, data=data), NOW - 7200)
    assert lent.ends == NOW - 7200 + 3600
    assert "ghs_x" not in repr(lent)
