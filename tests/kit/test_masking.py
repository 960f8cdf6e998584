"""Secrets taken out of what is kept."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit.masking import MASK, mask_headers, mask_text


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "proxy-authorization",
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "X-Auth-Token",
        "My-Secret",
        "apikey",
    ],
)
def test_secret_headers(name: str) -> None:
    """Headers that carry secrets lose their value, whatever the letter case."""
    assert mask_headers({name: "hidden", name.upper(): "hidden"}) == {name: MASK, name.upper(): MASK}


def test_ordinary_headers_stay() -> None:
    """What helps to find a fault stays readable."""
    headers = {"ETag": '"1"', "Idempotency-Key": "k-1", "WWW-Authenticate": "Basic realm=x", "Content-Type": "a/b"}
    assert mask_headers(headers) == headers


@pytest.mark.parametrize(
    "text",
    [
        '{"password": "hidden"}',
        '{"db_password" : "hi\\"hidden"}',
        '{"tokens":["hidden","b"]}',
        '{"client_secret":{"value":"hidden"}}',
        '{\\"password\\":\\"hidden\\"}',
        '{"api_key":hidden}',
        '{"password": "hidden',
        "Authorization: Bearer hidden123",
        "authorization: Basic hidden123==",
        "sent with bearer hidden123.",
        "https://host/?access_token=hidden&x=1",
        "https://user:hidden@host/",
        "https://hidden@host/",
        "password=hidden",
        "SECRET_KEY = hidden",
        "pwd='hidden'",
        "jwt eyJhiddenhidden.eyJhidden.c2ln",
        "write to hidden@example.org",
        "<hidden.name+tag@mail.example.org>",
        "İİ token=hidden",
    ],
)
def test_secrets_in_a_text(text: str) -> None:
    """Fields that are called like secrets, credentials, passwords in addresses and names in e-mail addresses are hidden."""
    masked = mask_text(text)
    assert "hidden" not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the token is wrong",
        '{"title": "a @ b", "count": 3}',
        "basic auth failed",
        "password=",
        "https://host/@user",
    ],
)
def test_ordinary_texts_stay(text: str) -> None:
    """Prose about tokens is no token."""
    assert mask_text(text) == text


@given(st.text())
def test_any_text_comes_through(text: str) -> None:
    """Whatever the text, masking ends, and a second time changes nothing that matters."""
    mask_text(mask_text(text))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=8),
    st.sampled_from(["password", "api_key", "accessToken", "x-secret"]),
)
def test_a_json_field_never_shows(secret: str, name: str) -> None:
    """The value of a secret JSON field is gone, however it is written."""
    document = {"before": 1, name: f"hidden{secret}", "after": 2}
    for ascii_only in (True, False):
        masked = mask_text(json.dumps(document, ensure_ascii=ascii_only))
        assert "hidden" not in masked
        assert json.loads(masked) == {"before": 1, name: MASK, "after": 2}
