"""`penguin classify`: what SMTP replies mean, line by line, without a stack."""

from __future__ import annotations

import sys

import typer

NAMED_MAX = 10

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def classify() -> None:
    """Read JSON lines from stdin, write one JSON line for each: what the SMTP reply means.

    In: `reply`, the text with its codes, lines of a longer one separated by newlines; optional
    `phase` (connect, ehlo, auth, mail, rcpt, data, dot), `provider`, `host` (an MX host).

    Out: `class`; `hard`, whether the address itself was refused for good; `suppress`, whether the
    recipient gets no more mail; `retry_after_s`, the wait before the next attempt, or null; `rule`
    and `source`, what decided. A bad line is answered by `line` and `error`; the others go on, and
    the exit code is 2. Other fields are passed over, and told once on stderr. Needs no stack.
    Classes: docs/classification.md.
    """
    from ops.classifying import FIELDS, answers
    from ops.errors import Usage

    passed_over: set[str] = set()
    out, bad, first_bad = sys.stdout.buffer, 0, b""
    for told, good in answers(sys.stdin.buffer, passed_over):
        out.write(told + b"\n")
        if not good:
            bad, first_bad = bad + 1, first_bad or told
    out.flush()
    if passed_over:
        names = ", ".join(sorted(passed_over)[:NAMED_MAX])
        print(f"penguin: passed over: {names}; read are {', '.join(FIELDS)}", file=sys.stderr)
    if bad:
        raise Usage(f"{bad} bad line{'s' * (bad > 1)}, the first: {first_bad.decode()}")
