"""Two tenants of a running stack, and every operation that one could try with the other's ids."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.main_job_kit import MainJob, wait_until

#: Of a caller itself, of staff, or of nobody: no id of a tenant's thing can be tried there.
NOT_OF_A_TENANT = ("/v1/auth/", "/v1/me", "/v1/staff/", "/health", "/v1/roles")
#: The end of the caller's own tenant; and a stream without end, which has a test of its own.
NEVER_TRIED = frozenset({"delete_tenant", "listen"})
PROVIDER, VERSION = "gmail", "1"
#: What an operation takes that its schema alone does not tell.
GIVEN: dict[str, dict[str, Any]] = {
    "schedule_campaign": {"local": "2100-01-04T09:00"},
    "change_mailbox": {"daily_limit": 10},
    "put_credentials": {
        "credentials": [
            {"protocol": "smtp", "host": "mail.example", "port": 587, "username": "u"}
            | {"password": "an app password"}
        ]
    },
    "put_draft": {"html": "<p>Hello</p>"},
}


@dataclass
class Answer:
    status: int
    text: str

    @property
    def alike(self) -> tuple[int, Any]:
        """What a caller can tell answers apart by: all but request id, age and the ids it sent."""
        try:
            told = json.loads(self.text)
        except ValueError:
            return self.status, self.text
        for name in ("request_id", "instance", "as_of"):
            told.pop(name, None)
        return self.status, told


@dataclass
class Tenant:
    """A tenant with one of everything, all called by its canary."""

    job: MainJob
    canary: str = field(default_factory=lambda: f"canary{uuid.uuid4().hex[:12]}")
    ids: dict[str, str] = field(default_factory=dict)
    cursor: str = ""  # of its list of leads

    @cached_property
    def made(self) -> dict[str, Any]:
        made: dict[str, Any] = self.job.run("keys", "create", "--tenant-name", self.canary)
        return made

    def ask(
        self, method: str, path: str, body: Any = None, *, raw: bytes = b"", key: str = ""
    ) -> Answer:
        """One request with this tenant's key; whatever the answer."""
        data = raw or (json.dumps(body).encode() if body is not None else None)
        kind = "text/csv" if raw else "application/json"
        headers = {"Authorization": f"Bearer {key or self.made['key']}", "Content-Type": kind}
        headers |= {} if method == "GET" else {"If-Match": "*"}
        url = self.job.addresses["api_url"] + path
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - the stack's own
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode())

    def do(self, method: str, path: str, body: Any = None, *, raw: bytes = b"") -> dict[str, Any]:
        """One request that must succeed; its JSON."""
        answer = self.ask(method, path, body, raw=raw)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.text}"
        told: dict[str, Any] = json.loads(answer.text)
        return told

    def settle(self) -> None:
        """Make one of everything."""
        name, ids = self.canary, self.ids
        ids["workspace_id"] = self.do("POST", "/v1/workspaces", {"name": name})["workspace_id"]
        ids["list_id"] = self.do("POST", "/v1/lists", {"name": name})["list_id"]
        for number in range(3):
            lead = {"address": f"{name}.{number}@{name}.example", "fields": {"first_name": name}}
            made = self.do("POST", "/v1/leads", lead | {"list_id": ids["list_id"]})
            ids["lead_id"] = ids["contact_id"] = made["lead_id"]
        filtering = {"all": [{"what": "domain", "op": "equals", "value": f"{name}.example"}]}
        segment = self.do("POST", "/v1/segments", {"name": name, "filter": filtering})
        ids["segment_id"] = segment["segment_id"]
        self._content(name)
        self._people(name)
        self._campaign(name)
        self.cursor = self.do("GET", "/v1/leads?limit=1")["next_cursor"]

    def _content(self, name: str) -> None:
        ids = self.ids
        draft = {
            "subject": name,
            "html": f'<p>{name} <a href="{{{{ unsubscribe_url }}}}">x</a></p>',
        }
        ids["template_id"] = self.do("POST", "/v1/templates", {"name": name, "draft": draft})[
            "template_id"
        ]
        self.do("POST", f"/v1/templates/{ids['template_id']}/publish")
        domain = self.do("POST", "/v1/domains", {"domain": f"{name}.example"})
        ids["domain_id"] = domain["domain_id"]
        self.do("POST", f"/v1/domains/{ids['domain_id']}/check")
        sender = self.do("POST", "/v1/senders", {"address": f"news@{name}.example", "name": name})
        ids["sender_id"] = sender["sender_id"]
        ids["ip"] = self.do("POST", "/v1/sending-ips", {})["ip"]
        ids["pool_id"] = self.do("POST", "/v1/ip-pools", {"name": name})["pool_id"]
        ids["vps_id"] = self.do("POST", "/v1/vps", {"name": name})["vps_id"]
        mailbox = {"address": f"me@{name}.example"}
        ids["mailbox_id"] = self.do("POST", "/v1/mailboxes", mailbox)["mailbox_id"]
        csv = f"email,first_name\nimported@{name}.example,{name}\n".encode()
        path = f"/v1/imports?list_id={ids['list_id']}&file_name={name}.csv"
        ids["import_id"] = self.do("POST", path, raw=csv)["import_id"]

    def _people(self, name: str) -> None:
        ids = self.ids
        ids["key_id"] = self.do("POST", "/v1/keys", {"name": name, "role": "viewer"})["key_id"]
        invited = {"address": f"friend@{name}.example", "role": "viewer"}
        ids["invitation_id"] = self.do("POST", "/v1/invitations", invited)["invitation_id"]
        ids["user_id"] = "usr_" + "a" * 26  # people belong to several tenants: tested with people

    def _campaign(self, name: str) -> None:
        ids = self.ids
        given = {k: ids[k] for k in ("template_id", "sender_id")} | {"list_ids": [ids["list_id"]]}
        campaign = self.do("POST", "/v1/campaigns", given | {"name": name, "sign": "none"})
        ids["campaign_id"] = campaign["campaign_id"]
        self.do("POST", f"/v1/campaigns/{ids['campaign_id']}/launch")
        path = f"/v1/campaigns/{ids['campaign_id']}"
        wait_until(lambda: '"state":"finished"' in self.ask("GET", path).text)
        ids["send_id"] = self.do("GET", f"{path}/sends")["data"][0]["send_id"]
        asked = {"filter": {"campaign_id": ids["campaign_id"]}}
        ids["export_id"] = self.do("POST", "/v1/exports", asked)["export_id"]


@dataclass(frozen=True)
class Attempt:
    """One operation, tried with the ids of another tenant (or with ids that nobody has)."""

    name: str
    method: str
    path: str
    body: Any
    named: frozenset[str]  # the ids that it takes

    def __str__(self) -> str:
        return f"{self.name}: {self.method} {self.path}"


def attempts(described: Mapping[str, Any], ids: Mapping[str, str]) -> Iterator[Attempt]:
    """Every operation on a tenant's things, filled with these ids wherever it takes one."""
    for path, methods in described["paths"].items():
        if not path.startswith(NOT_OF_A_TENANT):
            for method, operation in methods.items():
                if operation["operationId"] not in NEVER_TRIED:
                    yield _attempt(path, method.upper(), operation, Filling(described, ids))


@dataclass
class Filling:
    """Values for what an operation takes; notes which ids it used."""

    described: Mapping[str, Any]
    ids: Mapping[str, str]
    used: set[str] = field(default_factory=set)

    def id(self, name: str) -> str:
        """The id that goes under this name; empty when it is no id."""
        single = {"workspace_ids": "workspace_id", "list_ids": "list_id", "lead_ids": "lead_id"}
        single |= {"contact_ids": "contact_id", "ips": "ip", "scope_id": "ip"}
        name = single.get(name, name)
        if name in self.ids:
            self.used.add(name)
            return self.ids[name]
        return ""

    def value(self, schema: Mapping[str, Any], name: str = "") -> Any:
        """A value that the schema takes, with ids in it."""
        schema = self._resolved(schema)
        if (found := self.id(name)) and schema.get("type") != "object":
            return [found] if schema.get("type") == "array" else found
        for given in ("examples", "enum"):
            if schema.get(given):
                return schema[given][0]
        if "const" in schema or "default" in schema:
            return schema.get("const", schema.get("default"))
        return self._made(schema)

    def _made(self, schema: Mapping[str, Any]) -> Any:
        kind = schema.get("type")
        if kind == "object":
            wanted = schema.get("properties", {})
            return {
                name: self.value(inner, name)
                for name, inner in wanted.items()
                if name in schema.get("required", ()) or self.id(name)
            }
        if kind == "array":
            return [self.value(schema["items"])]
        plain = {"integer": 1, "number": 1.0, "boolean": False, "string": "plain text"}
        return plain.get(str(kind), "plain text")

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema or "anyOf" in schema or "oneOf" in schema:
            if "$ref" in schema:
                schema = self.described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            else:
                choices = schema.get("anyOf") or schema["oneOf"]
                schema = next((one for one in choices if one.get("type") != "null"), {})
        return schema


def _attempt(path: str, method: str, operation: Mapping[str, Any], filling: Filling) -> Attempt:
    query: dict[str, str] = {}
    for parameter in operation.get("parameters", []):
        name, place = parameter["name"], parameter["in"]
        value = filling.id(name) or {"provider": PROVIDER, "version": VERSION}.get(name, "")
        if place == "path":
            filled = value or str(filling.value(parameter["schema"], name))
            path = path.replace(f"{{{name}}}", urllib.parse.quote(filled))
        elif place == "query" and (filling.id(name) or parameter.get("required")):
            query[name] = value or str(filling.value(parameter["schema"], name))
    content = operation.get("requestBody", {}).get("content", {})
    body = None
    if "application/json" in content:
        told = content["application/json"]
        body = filling.value(told["schema"])
        if isinstance(body, dict):
            body |= GIVEN.get(operation["operationId"], {})
    asked = f"{path}{'?' * bool(query)}{urllib.parse.urlencode(query)}"
    return Attempt(operation["operationId"], method, asked, body, frozenset(filling.used))
