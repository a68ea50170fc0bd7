"""A mail, byte for byte: a change of the compiler that changes what leaves shows here.

A change that is meant: `python -m tests.unit.test_message_golden` writes the file anew.
"""

from __future__ import annotations

from pathlib import Path

from adapters.message.skeleton import compile_message
from adapters.message.template_file import lint, parse_template
from tests.message_kit import ID_KEY, LAUNCHED_AT, SEND_ID, assert_fit_for_wire

FOLDER = Path(__file__).parents[1] / "golden" / "message"
FIELDS = {"firstName": "Zoë <b>", "city": "'s-Hertogenbosch", "plan": "pro"}


def letter() -> bytes:
    """The golden template for one recipient."""
    content = parse_template(FOLDER / "letter.html")
    lint(content, FIELDS)
    skeleton = compile_message(
        content.body,
        sender_address="news@bücher.example",
        sender_name="Penguin & Sons, “Ltd”",
        domain="bücher.example",
        campaign_id="cmp_" + "a" * 26,
        tenant_id="ten_" + "b" * 26,
        launched_at=LAUNCHED_AT,
        tracking_url="https://click.xn--bcher-kva.example/",
        id_key=ID_KEY,
        message_class="bulk",
        signers=(),
    )
    return skeleton.render(0, SEND_ID, "ada@example.org", FIELDS).wire


def test_the_mail_is_the_golden_one() -> None:
    wire = letter()

    assert_fit_for_wire(wire)
    assert wire == (FOLDER / "letter.eml").read_bytes()


if __name__ == "__main__":
    (FOLDER / "letter.eml").write_bytes(letter())
