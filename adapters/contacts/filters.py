"""Filters over leads as SQL: fixed pieces of text, every value a parameter.

Under RLS an index serves =, <, >= alone; so a prefix is a range, and the rest is tested row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg.sql import SQL, Composable, Placeholder

from domain.segment import Condition, Group, Node

#: Greater than what begins with a prefix: no address holds this letter.
_LAST = "\U0010ffff"

_MEMBER = (
    "EXISTS (SELECT FROM vault.list_member m WHERE m.tenant_id = c.tenant_id"
    " AND m.contact_id = c.contact_id AND m.list_id = {value})"
)
_TAGGED = (
    "EXISTS (SELECT FROM vault.lead_tag t WHERE t.tenant_id = c.tenant_id"
    " AND t.contact_id = c.contact_id AND t.tag = {value})"
)
#: Whom the tenant mails nothing: by contact, by the hash of the address, or for everybody's sake.
SUPPRESSED: LiteralString = (
    "(EXISTS (SELECT FROM vault.suppression s WHERE s.tenant_id = c.tenant_id"
    " AND s.contact_id = c.contact_id AND s.scope = 'tenant')"
    " OR EXISTS (SELECT FROM vault.suppression s WHERE s.tenant_id = c.tenant_id"
    " AND s.address_hash = vault.address_hash(c.address_key, {hash_key}) AND s.scope = 'tenant')"
    " OR EXISTS (SELECT FROM vault.platform_suppression s"
    " WHERE s.address_hash = vault.address_hash(c.address_key, {hash_key})))"
)
#: Leads of the lists of these workspaces alone.
VISIBLE: LiteralString = (
    "EXISTS (SELECT FROM vault.list_member m JOIN vault.workspace_of w"
    " ON w.tenant_id = m.tenant_id AND w.id = m.list_id WHERE m.tenant_id = c.tenant_id"
    " AND m.contact_id = c.contact_id AND w.workspace_id = ANY({workspaces}))"
)
PIECES: dict[tuple[str, str], LiteralString] = {
    ("field", "equals"): "c.fields ->> {name} = {value}",
    ("field", "not_equals"): "c.fields ->> {name} IS DISTINCT FROM {value}",
    ("field", "in"): "coalesce(c.fields ->> {name} = ANY({value}), false)",
    ("field", "starts_with"): "coalesce(starts_with(c.fields ->> {name}, {value}), false)",
    ("field", "contains"): "position({value} IN lower(coalesce(c.fields ->> {name}, ''))) > 0",
    ("field", "is_set"): "coalesce(c.fields ->> {name}, '') <> ''",
    ("field", "is_not_set"): "coalesce(c.fields ->> {name}, '') = ''",
    ("address", "equals"): "c.address_key = {value}",
    ("address", "in"): "c.address_key = ANY({value})",
    ("address", "starts_with"): "(c.address_key >= {value} AND c.address_key < {last})",
    ("domain", "equals"): "c.domain = {value}",
    ("domain", "not_equals"): "c.domain <> {value}",
    ("domain", "in"): "c.domain = ANY({value})",
    ("tag", "has"): _TAGGED,
    ("tag", "has_not"): "NOT " + _TAGGED,
    ("list", "in"): _MEMBER,
    ("list", "not_in"): "NOT " + _MEMBER,
    ("suppressed", "is"): SUPPRESSED + " = {value}",
    ("created", "before"): "c.created_at < {value}",
    ("created", "after"): "c.created_at >= {value}",
    ("created", "within_days"): "c.created_at >= now() - make_interval(days => {value})",
}


@dataclass(frozen=True)
class Where:
    """A condition on `vault.contact c`, and the values of its parameters."""

    sql: Composable
    values: dict[str, Any]


def where(node: Node, hash_key: bytes, workspaces: frozenset[str] | None = None) -> Where:
    """The filter as a condition; only leads of these workspaces, if any are named."""
    values: dict[str, Any] = {"hash_key": hash_key}
    found = _node(node, values)
    if workspaces is not None:
        values["workspaces"] = sorted(workspaces)
        visible = SQL(VISIBLE).format(workspaces=Placeholder("workspaces"))
        found = SQL("({} AND {})").format(found, visible)
    return Where(found, values)


def _node(node: Node, values: dict[str, Any]) -> Composable:
    if isinstance(node, Condition):
        return _condition(node, values)
    parts = [_node(part, values) for part in node.parts]
    if node.how == "not":
        return SQL("NOT coalesce({}, false)").format(parts[0])
    return _joined(node, parts)


def _joined(node: Group, parts: list[Composable]) -> Composable:
    if not parts:
        return SQL("true")
    between = SQL(" AND ") if node.how == "all" else SQL(" OR ")
    return SQL("({})").format(between.join(parts))


def _condition(condition: Condition, values: dict[str, Any]) -> Composable:
    number, value = len(values), condition.value
    names = {"value": f"v{number}", "name": f"n{number}", "last": f"l{number}"}
    values[names["value"]] = list(value) if isinstance(value, tuple) else value
    values[names["name"]] = condition.name
    values[names["last"]] = f"{value}{_LAST}"
    places = {word: Placeholder(name) for word, name in names.items()}
    piece = SQL(PIECES[condition.what, condition.op])
    return piece.format(**places, hash_key=Placeholder("hash_key"))
