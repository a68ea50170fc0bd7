"""Leads for the demo, made from a seed: good ones, scripted ones, and rows that are bad on purpose.

The local part scripts what the mail sink does (ops/sink). `optout…` leads are suppressed by the
demo before it launches. `examples/leads.csv` is `write_leads(path, 10_000, seed=1)`.
"""

from __future__ import annotations

import random
from pathlib import Path

HEADER = b"email,firstName,last_name,company,city\n"
DOMAINS = (
    ("gmail.com", 40),
    ("outlook.com", 22),
    ("yahoo.com", 14),
    ("icloud.com", 8),
    ("penguin-friends.example", 10),
    ("harbour.example", 6),
)
FIRST = ("Ada", "Bjørn", "Chloé", "Dmitri", "Émile", "Fatima", "Grace", "Hiroshi", "Ines", "Jürgen")
LAST = ("Adler", "Brontë", "Castro", "Dvořák", "Eriksen", "Ferrari", "García", "Hughes", "Kowalski")
COMPANIES = ("Acme", "Blue Whale", "Café Crème", "Drift & Co", "Eis GmbH", 'The "Floe" Ltd')
CITIES = ("Oslo", "Porto Alegre", "Kraków", "Reykjavík", "Wellington", "Ushuaia, AR")
#: What the sink is asked to do, and for how many of a thousand leads.
SCRIPTED = (
    ("unknown", 20),
    ("greylist", 15),
    ("policy", 4),
    ("full5", 4),
    ("reject-data", 2),
    ("slow200", 2),
    ("drop-after-dot", 1),
    ("optout", 6),
)
BAD_PER_MILLE = 20
NAMELESS_SHARE = 0.08  # the template's fallback has work to do
TWINS = 1000  # leads that duplicates are drawn from
DUPLICATES_PER_MILLE = 10


def write_leads(path: Path, rows: int, seed: int) -> None:
    """Write a CSV of so many records below the header. Equal seeds give equal bytes."""
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    written: list[bytes] = []
    with path.open("wb") as file:
        file.write(HEADER)
        for number in range(rows):
            line = _line(chance, number, written)
            file.write(line)


def _line(chance: random.Random, number: int, written: list[bytes]) -> bytes:
    roll = chance.randrange(1000)
    if roll < BAD_PER_MILLE:
        return _bad(chance, number)
    if roll < BAD_PER_MILLE + DUPLICATES_PER_MILLE and written:
        return chance.choice(written).replace(b"lead", b"LEAD", 1)
    line = _good(chance, number)
    if len(written) < TWINS:
        written.append(line)
    return line


def _good(chance: random.Random, number: int) -> bytes:
    first, last = chance.choice(FIRST), chance.choice(LAST)
    name = first if chance.random() > NAMELESS_SHARE else ""
    values = (_address(chance, number), name, last, chance.choice(COMPANIES), chance.choice(CITIES))
    return ",".join(map(_quoted, values)).encode() + b"\n"


def _address(chance: random.Random, number: int) -> str:
    domain = chance.choices([name for name, _ in DOMAINS], [weight for _, weight in DOMAINS])[0]
    roll, local = chance.randrange(1000), f"lead{number}"
    for script, per_mille in SCRIPTED:
        if roll < per_mille:
            local = f"{script}-{number}"
            break
        roll -= per_mille
    return f"{local}@{domain}"


def _quoted(value: str) -> str:
    if any(mark in value for mark in ',"\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def _bad(chance: random.Random, number: int) -> bytes:
    """One of the ways in which real files are broken."""
    ways = (
        f"lead{number}.example.com,NoAt,Sign,Acme,Oslo\n".encode(),
        f"lead{number}@@example.com,Two,Ats,Acme,Oslo\n".encode(),
        f"lead{number}@example,No,Dot,Acme,Oslo\n".encode(),
        f"lead {number}@example.com,Space,Inside,Acme,Oslo\n".encode(),
        f",No,Address {number},Acme,Oslo\n".encode(),
        f"lead{number}@example.com,Too,Few\n".encode(),
        f"lead{number}@example.com,Latin,M\xfcller,Acme,Oslo\n".encode("latin-1"),
        f'lead{number}@example.com,"Unclosed,Quote,Acme,Oslo\n'.encode(),
        f'lead{number}@example.com,Quote "in"side"x,Broken",Acme,Oslo\n'.encode(),
        f'lead{number}@example.com,"Eve\r\nBcc: all@example.com",Injector,Acme,Oslo\n'.encode(),
        f'"lead{number}@example.com\r\nRCPT TO:<x@example.com>",Smuggler,X,Acme,Oslo\n'.encode(),
        f"lead{number}@example.com,Nul\0Byte,X,Acme,Oslo\n".encode(),
        ("x" * 65 + f"{number}@example.com,Local,TooLong,Acme,Oslo\n").encode(),
    )
    return ways[chance.randrange(len(ways))]
