"""What differs between two recipients of a mail: its values, each ready to stand in its slot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum

from minijinja import safe

from adapters.message import engine, tokens
from adapters.message.markup import TOKEN
from adapters.message.pieces import Block, Piece, Value
from adapters.message.quoted_printable import LINE_MAX, quoted_value
from adapters.message.text import clean_text, clean_value, field_name

_QUICK_MAX = LINE_MAX - 6
# As minijinja escapes, so that a slot and a rendered block show the same bytes.
_ESCAPED = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "/": "&#x2f;"}
)


class Flavour(Enum):
    """Where a value stands: in a part of the body (quoted-printable), or in a header (UTF-8)."""

    HTML = "html"
    TEXT = "txt"
    HEADER = "header"


Encode = Callable[[str], bytes]
Need = tuple[Value | Block, Flavour]
_TOKEN_NEED: Need = (Value(TOKEN, ""), Flavour.TEXT)


class Merge:
    """The values of one mail. `index` says at which place in `values` a piece's value stands."""

    def __init__(self, needs: Iterable[Need], tracking_url: str) -> None:
        wanted = dict.fromkeys(_settled(need) for need in needs)
        wanted.pop(_TOKEN_NEED, None)
        values = [(piece, flavour) for piece, flavour in wanted if isinstance(piece, Value)]
        blocks = [(piece, flavour) for piece, flavour in wanted if isinstance(piece, Block)]
        self._order = {need: at for at, need in enumerate([_TOKEN_NEED, *values, *blocks])}
        self._values = [_maker(piece, flavour) for piece, flavour in values]
        self._blocks = _Blocks(blocks, tracking_url) if blocks else None

    @property
    def size(self) -> int:
        return len(self._order)

    def index(self, need: Need) -> int:
        return self._order[_settled(need)]

    def values(self, token: str, address: str, fields: Mapping[str, str]) -> tuple[bytes, ...]:
        """Every value for one recipient. BadTemplate when a block cannot be rendered with them."""
        found = [token.encode()]
        for name, encode, default in self._values:
            value = address if name == "email" else _field(fields, name)
            if value.isalnum() and value.isascii() and len(value) <= _QUICK_MAX:
                found.append(value.encode())
            else:
                found.append(encode(clean_value(value)) or default)
        if self._blocks:
            found += self._blocks.rendered(token, address, fields)
        return tuple(found)


class _Blocks:
    """The parts that only the engine can render."""

    def __init__(self, needs: Iterable[tuple[Block, Flavour]], tracking_url: str) -> None:
        self._tracking_url = tracking_url
        self._engine = engine.Engine()
        self._templates: list[tuple[str, Encode]] = []
        self._names: set[str] = set()
        for at, (block, flavour) in enumerate(needs):
            name = f"{at}.{flavour.value}"
            self._engine.add(name, block.source)
            self._templates.append((name, _ENCODERS_OF_BLOCKS[flavour]))
            self._names |= engine.undeclared(block.source)

    def rendered(self, token: str, address: str, fields: Mapping[str, str]) -> list[bytes]:
        known = {name: clean_value(_field(fields, name)) for name in self._names}
        context = {name: value for name, value in known.items() if value}
        context["email"] = address
        context[TOKEN] = token
        if "unsubscribe_url" in self._names:
            context["unsubscribe_url"] = safe(tokens.unsubscribe_url(self._tracking_url, token))
        return [encode(self._engine.render(name, context)) for name, encode in self._templates]


def with_links(found: Iterable[Piece], tracking_url: str) -> list[Piece]:
    """The pieces with the unsubscribe link as what it is: a constant and the token."""
    prefix = tokens.unsubscribe_url(tracking_url, "")
    result: list[Piece] = []
    for piece in found:
        is_link = isinstance(piece, Value) and piece.name == "unsubscribe_url"
        result += [prefix, Value(TOKEN, "")] if is_link else [piece]
    return result


def _settled(need: Need) -> Need:
    """The token looks the same everywhere."""
    is_token = isinstance(need[0], Value) and need[0].name == TOKEN
    return _TOKEN_NEED if is_token else need


def _field(fields: Mapping[str, str], name: str) -> str:
    """A lead's field by its plain name, however the list spells it; empty when there is none."""
    value = fields.get(name)
    if value is None:
        value = next((fields[key] for key in fields if field_name(key) == name), None)
    return value or ""


def _maker(piece: Value, flavour: Flavour) -> tuple[str, Encode, bytes]:
    encode = _ENCODERS[flavour]
    return piece.name, encode, encode(piece.default)


def _html(value: str) -> bytes:
    return quoted_value(value.translate(_ESCAPED))


def _block_in_body(rendered: str) -> bytes:
    return quoted_value(clean_text(rendered))


_ENCODERS: dict[Flavour, Encode] = {
    Flavour.HTML: _html,
    Flavour.TEXT: quoted_value,
    Flavour.HEADER: str.encode,
}
_ENCODERS_OF_BLOCKS: dict[Flavour, Encode] = {
    Flavour.HTML: _block_in_body,
    Flavour.TEXT: _block_in_body,
    Flavour.HEADER: str.encode,
}
