"""Everything in a database through which one tenant could see another's rows (I11).

A walk of pg_catalog: it knows no table by name but the few that are excused here, each with the
reason, so that a table, view or function that is added tomorrow is looked at as well.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection

OURS = ("app", "es", "vault", "pipeline", "rm", "auth", "staff")
SERVICES = ("pm_api", "pm_worker", "pm_projector", "pm_release", "pm_dispatcher")
#: Schemas whose tables hold ids and counts of all tenants: services reach them, tenants never do.
UNDIVIDED = {"pipeline": "what is pending, without anything personal; reached by queries of ours"}
#: Unique indexes across tenants, and why nobody learns anything from their errors.
SPANNING = {
    "vault.invitation.invitation_link": "a hash of 256 random bits",
    "vault.api_key.api_key_handle": "random, and made again when it is taken",
}

TABLES = """
SELECT n.nspname || '.' || c.relname AS name, n.nspname AS schema, c.relkind AS kind,
  c.relrowsecurity AS secured, c.relforcerowsecurity AS forced, c.reloptions AS options,
  EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
          AND NOT a.attisdropped) AS divided,
  has_table_privilege('public', c.oid, 'SELECT') AS to_everyone,
  pg_get_userbyid(c.relowner) AS owner
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm')
"""
POLICIES = """
SELECT n.nspname || '.' || c.relname AS name, p.polname AS policy,
  pg_get_userbyid(c.relowner) AS owner,
  coalesce(pg_get_expr(p.polqual, p.polrelid), '') AS sees,
  coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') AS writes,
  ARRAY(SELECT CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r) END
        FROM unnest(p.polroles) AS r)::text[] AS roles
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s)
"""
KEYS = """
SELECT n.nspname || '.' || t.relname AS name, i.relname AS index,
  (SELECT attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = x.indkey[0]) AS first
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = ANY(%s) AND x.indisunique AND EXISTS (
  SELECT FROM pg_attribute a
  WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
"""
REFERENCES = """
SELECT n.nspname || '.' || t.relname AS name, k.conname AS key,
  ARRAY(SELECT attname FROM pg_attribute a
        WHERE a.attrelid = t.oid AND a.attnum = ANY(k.conkey))::text[] AS columns
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE k.contype = 'f' AND n.nspname = ANY(%s) AND EXISTS (
  SELECT FROM pg_attribute a
  WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
"""
FUNCTIONS = """
SELECT n.nspname || '.' || p.proname AS name, p.prosecdef AS as_owner, p.proconfig AS config,
  has_function_privilege('public', p.oid, 'EXECUTE') AS to_everyone
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY(%s)
"""
ROLES = """
SELECT rolname AS name, rolsuper OR rolbypassrls OR rolcreaterole AS too_much FROM pg_roles
WHERE rolname = ANY(%s)
"""


def leaks(conn: Connection[dict[str, Any]]) -> list[str]:
    """What is wrong, a sentence each; nothing in a database that keeps tenants apart."""
    return [
        *_tables(conn), *_policies(conn), *_keys(conn), *_references(conn), *_functions(conn),
        *_roles(conn),
    ]  # fmt: skip


def _asked(conn: Connection[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    return conn.execute(query.encode(), (list(OURS),)).fetchall()


def _tables(conn: Connection[dict[str, Any]]) -> list[str]:
    found = []
    for table in _asked(conn, TABLES):
        name = table["name"]
        if table["to_everyone"]:
            found.append(f"{name} may be read by every role of the server")
        if table["owner"] in SERVICES:
            found.append(f"{name} belongs to {table['owner']}, whom RLS does not bind there")
        if table["kind"] == "m":
            found.append(f"{name} is a materialized view: it has no row-level security")
        if table["kind"] == "v" and "security_invoker=true" not in (table["options"] or []):
            found.append(f"{name} is a view that sees what its owner sees: security_invoker is off")
        divided = table["divided"] and table["kind"] in "rp" and not _undivided(name)
        if divided and not (table["secured"] and table["forced"]):
            found.append(f"{name} has tenants and no forced row-level security")
    return found


def _undivided(name: str) -> bool:
    return name.partition(".")[0] in UNDIVIDED


def _policies(conn: Connection[dict[str, Any]]) -> list[str]:
    """Who sees without regard to the tenant is a reader of the log, or the owner.

    No service works as the owner; functions that look something up by a secret do.
    """
    bound: set[str] = set()
    found = []
    for policy in _asked(conn, POLICIES):
        mine = "tenant()" in policy["sees"] and policy["writes"] in {policy["sees"], "false"}
        if mine:
            bound.add(policy["name"])
        elif not set(policy["roles"]) <= {"pm_projector", policy["owner"]}:
            found.append(f"{policy['name']}: policy {policy['policy']} does not ask for the tenant")
    return found + [
        f"{table['name']} has no policy that asks for the tenant"
        for table in _asked(conn, TABLES)
        if table["divided"] and table["secured"] and table["name"] not in bound
    ]


def _keys(conn: Connection[dict[str, Any]]) -> list[str]:
    return [
        f"{key['name']}: unique index {key['index']} spans tenants: its error tells of another's"
        for key in _asked(conn, KEYS)
        if key["first"] != "tenant_id" and not _undivided(key["name"]) and not _ours_alone(key)
    ]


def _ours_alone(key: dict[str, Any]) -> bool:
    """Ids of streams and events, which no tenant chooses; reservations are meant to span them."""
    return key["name"].startswith("es.") or f"{key['name']}.{key['index']}" in SPANNING


def _references(conn: Connection[dict[str, Any]]) -> list[str]:
    return [
        f"{key['name']}: foreign key {key['key']} leaves out tenant_id"
        for key in _asked(conn, REFERENCES)
        if "tenant_id" not in key["columns"]
    ]


def _functions(conn: Connection[dict[str, Any]]) -> list[str]:
    found = []
    for function in _asked(conn, FUNCTIONS):
        if not function["as_owner"]:
            continue
        if not any(line.startswith("search_path=") for line in function["config"] or []):
            found.append(f"{function['name']} works as its owner under the caller's search_path")
        if function["to_everyone"] and function["name"] not in HARMLESS:
            found.append(f"{function['name']} works as its owner for every role of the server")
    return found


#: Functions that work as their owner and tell nothing of a tenant.
HARMLESS = frozenset({"pipeline.incarnation", "pipeline.history"})


def _roles(conn: Connection[dict[str, Any]]) -> list[str]:
    rows = conn.execute(ROLES.encode(), (list(SERVICES),)).fetchall()
    return [f"role {row['name']} may pass row-level security by" for row in rows if row["too_much"]]
