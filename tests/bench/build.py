"""What one mail costs to build and to sign, beside the obvious way: jinja2, EmailMessage, dkimpy.

Run alone on the machine: `python -m tests.bench.build [--repeat 5] [--json]`. The best of the
repeats, in microseconds per mail. Both ways make the same mail: 10 KB of HTML with 11 links, a
text part, a personal subject; the obvious way signs every link with an HMAC of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import timeit
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import partial
from typing import Any

import dkim as dkimpy
from cryptography.hazmat.primitives import serialization
from jinja2 import Environment, Template

from adapters.message import dkim
from adapters.message.dkim import Signer
from adapters.message.skeleton import Skeleton, compile_message
from adapters.message.template_file import Content, parse_source

SEND_ID = "snd_" + "q2" * 13
ADDRESS = "ada@example.org"
FIELDS = {"first_name": "Ada", "city": "London", "company": "Engines & Sons"}
KEY = b"a key for the bench"
LAUNCHED_AT = datetime(2026, 3, 1, tzinfo=UTC)
_PARAGRAPH = (
    '<p style="color: #123">Hello {{{{ first_name | default("there") }}}}, '
    + "how mail gets through the ice depends on who sent it before you. " * 12
    + '<a href="https://x.example/page/{number}?a=1&amp;b=2">read on</a></p>\n'
)
HTML = "<html><body>" + "".join(_PARAGRAPH.format(number=n) for n in range(11)) + "</body></html>"
CONDITION = '{% if city == "London" %}<p>In {{ city|upper }}, {{ company }}.</p>{% endif %}</body>'
TEXT = 'Hello {{ first_name | default("there") }},\n' + "how mail gets through the ice.\n" * 20
SUBJECT = 'Hello {{ first_name | default("there") }}, from {{ city | default("here") }}'


def content(html: str) -> Content:
    block = "".join(f"  {line}\n" for line in TEXT.splitlines())
    return parse_source(f"---\nsubject: {SUBJECT}\ntext: |\n{block}---\n{html}", "bench.html")


def skeleton(html: str, signers: list[Signer]) -> Skeleton:
    return compile_message(
        content(html).body,
        sender_address="news@example.com",
        sender_name="Zoë",
        domain="example.com",
        campaign_id="cmp_" + "a" * 26,
        tenant_id="ten_" + "b" * 26,
        launched_at=LAUNCHED_AT,
        tracking_url="https://click.example.com",
        id_key=KEY,
        message_class="bulk",
        signers=signers,
    )


class ObviousWay:
    """A template engine, a regular expression over the links, the standard library's MIME."""

    def __init__(self) -> None:
        env = Environment(autoescape=True)
        found = content(HTML)
        self._html = env.from_string(found.html)
        self._text, self._subject = Template(found.text), Template(found.subject)

    def build(self, address: str, send_id: str, fields: Mapping[str, str]) -> bytes:
        """One recipient's mail."""
        message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        message["From"], message["To"] = "Zoë <news@example.com>", address
        message["Subject"] = self._subject.render(**fields)
        message["Date"] = format_datetime(LAUNCHED_AT)
        message["Message-ID"] = f"<{send_id[4:]}@example.com>"
        message["List-Unsubscribe"] = f"<https://click.example.com/u/{_token(send_id, 'u')}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(self._text.render(**fields))

        def tracked(found: re.Match[str]) -> str:
            return f'href="https://click.example.com/c/{_token(send_id, found[1])}"'

        html = re.sub(r'href="([^"]*)"', tracked, self._html.render(**fields))
        message.add_alternative(html, subtype="html")
        return message.as_bytes()


def _token(send_id: str, what: str) -> str:
    return hmac.new(KEY, f"{send_id}{what}".encode(), hashlib.sha256).hexdigest()


def us(step: Callable[[], object], repeat: int) -> float:
    """The best time of a call, in microseconds; each repeat takes about 0.3 s."""
    timer = timeit.Timer(step)
    count = max(1, int(0.3 / max(timer.timeit(1), 1e-6)))
    return min(timer.repeat(repeat, count)) / count * 1e6


def measured(repeat: int) -> dict[str, float]:
    """Microseconds per mail by way of making it."""
    keys = {name: dkim.new_key(name) for name in ("rsa", "ed25519")}
    signers = {
        name: dkim.load_signer("example.com", name, key.private_der) for name, key in keys.items()
    }
    plain = HTML.replace("</body>", CONDITION)
    ours = {
        "skeleton": skeleton(HTML, []),
        "skeleton with a condition": skeleton(plain, []),
        "skeleton + Ed25519": skeleton(HTML, [signers["ed25519"]]),
        "skeleton + RSA-2048": skeleton(HTML, [signers["rsa"]]),
        "skeleton + both": skeleton(HTML, list(signers.values())),
    }
    found = {name: us(lambda one=one: _render(one), repeat) for name, one in ours.items()}  # type: ignore[misc]
    build = partial(ObviousWay().build, ADDRESS, SEND_ID, FIELDS)
    built = build()
    found["jinja2 + EmailMessage"] = us(build, repeat)
    pem = signers["rsa"].key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    signing = us(lambda: dkimpy.sign(built, b"rsa", b"example.com", pem), repeat)
    found["jinja2 + EmailMessage + dkimpy RSA-2048"] = found["jinja2 + EmailMessage"] + signing
    return found


def _render(one: Skeleton) -> object:
    return one.render(0, SEND_ID, ADDRESS, FIELDS)


def told(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    times = found["times_cheaper"]
    lines = [f"{value:10.1f} us  {name}" for name, value in found["us_per_mail"].items()]
    return [*lines, f"{times['unsigned']:9.0f}x  cheaper unsigned, {times['rsa']:.0f}x RSA-signed"]


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    took = measured(args.repeat)
    signed = took["jinja2 + EmailMessage + dkimpy RSA-2048"] / took["skeleton + RSA-2048"]
    times = {"unsigned": took["jinja2 + EmailMessage"] / took["skeleton"], "rsa": signed}
    found = {"us_per_mail": took, "times_cheaper": times}
    print(json.dumps(found) if args.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
