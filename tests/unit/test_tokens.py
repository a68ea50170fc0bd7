"""One token per recipient, which nobody else can make."""

from __future__ import annotations

import pytest

from adapters.message import tokens
from adapters.message.tokens import Tokens
from tests.message_kit import ID_KEY, SEND_ID

TOKEN = Tokens(ID_KEY).make(SEND_ID)


def test_a_token_leads_back_to_its_send() -> None:
    assert Tokens(ID_KEY).parse(TOKEN) == SEND_ID
    assert Tokens(ID_KEY).parse(TOKEN.upper()) == SEND_ID


def test_any_altered_character_makes_it_nobodys() -> None:
    made = Tokens(ID_KEY)
    for at in range(len(TOKEN)):
        other = "b" if TOKEN[at] != "b" else "c"
        assert made.parse(TOKEN[:at] + other + TOKEN[at + 1 :]) is None
        assert made.parse(TOKEN[:at] + TOKEN[at + 1 :]) is None


@pytest.mark.parametrize("text", ["", "a", SEND_ID, TOKEN + "0", TOKEN + "\n", "é" * 47, "\x00"])
def test_what_is_no_token_is_nobodys(text: str) -> None:
    assert Tokens(ID_KEY).parse(text) is None


def test_another_key_makes_other_tokens() -> None:
    assert Tokens(b"other").parse(TOKEN) is None


def test_only_send_ids_get_tokens() -> None:
    for text in ("snd_", "cmp_" + "q" * 26, SEND_ID + "\n", SEND_ID.upper()):
        with pytest.raises(ValueError, match="is not a send id"):
            Tokens(ID_KEY).make(text)


def test_bounces_and_unsubscribes_come_back_to_their_send() -> None:
    bounce = tokens.return_path(TOKEN, "example.com")
    unsubscribe = tokens.unsubscribe_address(TOKEN, "example.com")

    assert Tokens(ID_KEY).parse_address(bounce) == SEND_ID
    assert Tokens(ID_KEY).parse_address(bounce.upper()) == SEND_ID
    assert Tokens(ID_KEY).parse_address(unsubscribe) == SEND_ID
    assert Tokens(ID_KEY).parse_address(f"x{bounce}") is None
    assert Tokens(ID_KEY).parse_address("b-@bounce.example.com") is None
    assert max(len(one.partition("@")[0]) for one in (bounce, unsubscribe)) <= 64
