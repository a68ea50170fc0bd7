"""A client of the PenguinMails API; needs nothing but Python 3.11.

Written by `penguin client --write` from the API's OpenAPI description: change it there.

    client = Client("http://127.0.0.1:8000", token="pm_live_…")
    for campaign in client.pages(client.list_campaigns, state="running"):
        print(campaign["campaign_id"], campaign["counters"]["accepted"])
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

TRIES = 4  # of a request that was answered "later" or not at all
WAIT_MAX_S = 30.0
OMIT: Any = object()  # of an argument: leave it out of the request


class Problem(Exception):  # noqa: N818 - an answer
    """The API says no (RFC 9457): `code` is stable, `detail` names what is wrong and the cure."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        self.status, self.told = status, told
        self.code = str(told.get("code", ""))
        self.detail = str(told.get("detail", ""))
        super().__init__(f"{status} {self.code}: {self.detail}")


class Transport:
    """Sends requests and reads answers; waits and repeats where the API says "later".

    A request that changes something carries an Idempotency-Key, so that repeating it is safe.
    """

    def __init__(self, base_url: str, token: str = "", tenant: str = "") -> None:
        self.base_url, self.token, self.tenant = base_url.rstrip("/"), token, tenant
        self.position: int | None = None  # of the last command: `min_position` to read it at

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> Any:
        """One request; what came back. Raises Problem, OSError when nobody answers."""
        sent = {name: str(value) for name, value in (headers or {}).items() if value is not OMIT}
        data = None
        if body is not None:
            data = json.dumps({k: v for k, v in body.items() if v is not OMIT}).encode()
            sent["Content-Type"] = "application/json"
        return self.send(method, path, query, data, sent)

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """As `call`, with a body that is ready, such as a file."""
        request = urllib.request.Request(  # noqa: S310 - the caller's own address
            self._address(path, query), data, self._headers(method, headers or {}), method=method
        )
        for left in reversed(range(TRIES)):
            try:
                with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
                    return self._read(answer)
            except urllib.error.HTTPError as error:
                later = self._later(error)
                if later is None or not left:
                    raise _problem(error) from None
                time.sleep(later)
        raise AssertionError

    def pages(self, ask: Callable[..., Any], **filters: Any) -> Iterator[Any]:
        """Every element of a list, page by page: `client.pages(client.list_leads, tag="vip")`."""
        cursor: Any = OMIT
        while True:
            page = ask(**filters, cursor=cursor)
            yield from page["data"]
            if not page["has_more"]:
                return
            cursor = page["next_cursor"]

    def events(self, path: str, last_event_id: str = OMIT) -> Iterator[tuple[str, str, Any]]:
        """Live changes as (id, event, data) until the stream ends: go on with the last id then."""
        headers = {"Accept": "text/event-stream"}
        if last_event_id is not OMIT:
            headers["Last-Event-ID"] = last_event_id
        request = urllib.request.Request(  # noqa: S310 - the caller's own address
            self._address(path, None), headers=self._headers("GET", headers)
        )
        told = {"id": ""}
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            for line in answer:
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name and not line.startswith(b":"):
                    told[name] = value
                elif "data" in told:
                    yield told["id"], told.pop("event", ""), json.loads(told.pop("data"))

    def _address(self, path: str, query: Mapping[str, Any] | None) -> str:
        given = {k: _plain(v) for k, v in (query or {}).items() if v is not OMIT and v is not None}
        asked = urllib.parse.urlencode(given, doseq=True)
        return f"{self.base_url}{path}{'?' * bool(asked)}{asked}"

    def _headers(self, method: str, given: Mapping[str, str]) -> dict[str, str]:
        sent = {"Accept": "application/json"}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.tenant:
            sent["X-Tenant"] = self.tenant
        if method != "GET":
            sent["Idempotency-Key"] = str(uuid.uuid4())
        return {**sent, **given}

    def _read(self, answer: Any) -> Any:
        content = answer.read()
        if "json" not in answer.headers.get("content-type", ""):
            return content
        told = json.loads(content)
        if isinstance(told, dict) and isinstance(told.get("position"), int):
            self.position = told["position"]
        return told

    @staticmethod
    def _later(error: urllib.error.HTTPError) -> float | None:
        """After how many seconds to repeat; None: it would be the same again."""
        wait = error.headers.get("retry-after", "")
        return min(float(wait), WAIT_MAX_S) if wait.isdecimal() else None


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _problem(error: urllib.error.HTTPError) -> Problem:
    try:
        told = cast("Mapping[str, Any]", json.loads(error.read()))
    except ValueError:
        told = {}
    return Problem(error.code, told)


def _part(value: object) -> str:
    """A value as part of a path."""
    return urllib.parse.quote(str(value), safe="")


class Client(Transport):
    """Every operation of the API, by the name that its description gives it."""

    def list_campaigns(
        self,
        *,
        state: str = OMIT,
        workspace_id: str | None = OMIT,
        since: str | None = OMIT,
        until: str | None = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's campaigns with their counters, the newest first.

        GET /v1/campaigns
        """
        return self.call(
            "GET",
            "/v1/campaigns",
            query={
                "state": state,
                "workspace_id": workspace_id,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def create_campaign(
        self,
        *,
        name: str,
        idempotency_key: str = OMIT,
        template_id: str = OMIT,
        template_version: int | None = OMIT,
        list_ids: list[Any] = OMIT,
        segment_id: str = OMIT,
        sender_id: str = OMIT,
        ips: list[Any] = OMIT,
        pool_id: str = OMIT,
        priority: str = OMIT,
        message_class: str = OMIT,
        sign: str = OMIT,
        expire_after_s: int = OMIT,
        send_window: Mapping[str, Any] | None = OMIT,
        workspace_id: str = OMIT,
        daily_limit: int | None = OMIT,
    ) -> Any:
        """Put a campaign together. Nothing is sent before it is launched.

        POST /v1/campaigns
        """
        return self.call(
            "POST",
            "/v1/campaigns",
            body={
                "name": name,
                "template_id": template_id,
                "template_version": template_version,
                "list_ids": list_ids,
                "segment_id": segment_id,
                "sender_id": sender_id,
                "ips": ips,
                "pool_id": pool_id,
                "priority": priority,
                "message_class": message_class,
                "sign": sign,
                "expire_after_s": expire_after_s,
                "send_window": send_window,
                "workspace_id": workspace_id,
                "daily_limit": daily_limit,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def get_campaign(self, campaign_id: str, *, min_position: int = OMIT) -> Any:
        """State, counters and rates of a campaign. At rest, requested is the sum of the ends.

        GET /v1/campaigns/{campaign_id}
        """
        return self.call(
            "GET", f"/v1/campaigns/{_part(campaign_id)}", query={"min_position": min_position}
        )

    def revise_campaign(
        self,
        campaign_id: str,
        *,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
        name: str | None = OMIT,
        template_id: str | None = OMIT,
        template_version: int | None = OMIT,
        list_ids: list[Any] | None = OMIT,
        segment_id: str | None = OMIT,
        sender_id: str | None = OMIT,
        ips: list[Any] | None = OMIT,
        pool_id: str | None = OMIT,
        priority: str | None = OMIT,
        message_class: str | None = OMIT,
        sign: str | None = OMIT,
        expire_after_s: int | None = OMIT,
        send_window: Mapping[str, Any] | None = OMIT,
        daily_limit: int | None = OMIT,
    ) -> Any:
        """Change a draft; refused when others changed it since (If-Match: the ETag of its plan).

        PATCH /v1/campaigns/{campaign_id}
        """
        return self.call(
            "PATCH",
            f"/v1/campaigns/{_part(campaign_id)}",
            body={
                "name": name,
                "template_id": template_id,
                "template_version": template_version,
                "list_ids": list_ids,
                "segment_id": segment_id,
                "sender_id": sender_id,
                "ips": ips,
                "pool_id": pool_id,
                "priority": priority,
                "message_class": message_class,
                "sign": sign,
                "expire_after_s": expire_after_s,
                "send_window": send_window,
                "daily_limit": daily_limit,
            },
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def list_campaign_sends(
        self,
        campaign_id: str,
        *,
        state: str = OMIT,
        provider: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The ledger: one row per send of the campaign, in a fixed order.

        GET /v1/campaigns/{campaign_id}/sends
        """
        return self.call(
            "GET",
            f"/v1/campaigns/{_part(campaign_id)}/sends",
            query={
                "state": state,
                "provider": provider,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def get_plan(self, campaign_id: str, *, idempotency_key: str = OMIT) -> Any:
        """What it consists of, as last decided; its ETag is what a change is checked against.

        GET /v1/campaigns/{campaign_id}/plan
        """
        return self.call(
            "GET",
            f"/v1/campaigns/{_part(campaign_id)}/plan",
            headers={"idempotency-key": idempotency_key},
        )

    def duplicate_campaign(
        self,
        campaign_id: str,
        *,
        idempotency_key: str = OMIT,
        name: str | None = OMIT,
    ) -> Any:
        """A new draft like this campaign, whatever state it is in.

        POST /v1/campaigns/{campaign_id}/duplicate
        """
        return self.call(
            "POST",
            f"/v1/campaigns/{_part(campaign_id)}/duplicate",
            body={"name": name},
            headers={"idempotency-key": idempotency_key},
        )

    def estimate_campaign(self, campaign_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Whom it would reach, who is held back by what, how many days it takes, what blocks it.

        POST /v1/campaigns/{campaign_id}/estimate
        """
        return self.call(
            "POST",
            f"/v1/campaigns/{_part(campaign_id)}/estimate",
            headers={"idempotency-key": idempotency_key},
        )

    def launch_campaign(self, campaign_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Send it. Every reason against that is listed at once; then nothing is changed.

        POST /v1/campaigns/{campaign_id}/launch
        """
        return self.call(
            "POST",
            f"/v1/campaigns/{_part(campaign_id)}/launch",
            headers={"idempotency-key": idempotency_key},
        )

    def schedule_campaign(
        self,
        campaign_id: str,
        *,
        local: str,
        idempotency_key: str = OMIT,
        zone: str = OMIT,
        when_twice: str = OMIT,
    ) -> Any:
        """Let it launch by itself at a local time. A time that clocks skip is refused.

        What blocks a launch is looked at then: it becomes a draft again, with `blocked_by`.

        POST /v1/campaigns/{campaign_id}/schedule
        """
        return self.call(
            "POST",
            f"/v1/campaigns/{_part(campaign_id)}/schedule",
            body={"local": local, "zone": zone, "when_twice": when_twice},
            headers={"idempotency-key": idempotency_key},
        )

    def unschedule_campaign(self, campaign_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Make it a draft again, which launches when it is told to.

        POST /v1/campaigns/{campaign_id}/unschedule
        """
        return self.call(
            "POST",
            f"/v1/campaigns/{_part(campaign_id)}/unschedule",
            headers={"idempotency-key": idempotency_key},
        )

    def pause_campaign(self, campaign_id: str, *, reason: str, idempotency_key: str = OMIT) -> Any:
        """Hold what was not claimed yet; what is on the wire ends as it ends.

        POST /v1/campaigns/{campaign_id}/pause
        """
        return self.call(
            "POST",
            f"/v1/campaigns/{_part(campaign_id)}/pause",
            body={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def resume_campaign(self, campaign_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Go on after a pause.

        POST /v1/campaigns/{campaign_id}/resume
        """
        return self.call(
            "POST",
            f"/v1/campaigns/{_part(campaign_id)}/resume",
            headers={"idempotency-key": idempotency_key},
        )

    def cancel_campaign(self, campaign_id: str, *, reason: str, idempotency_key: str = OMIT) -> Any:
        """End what was not claimed yet as cancelled, for good.

        POST /v1/campaigns/{campaign_id}/cancel
        """
        return self.call(
            "POST",
            f"/v1/campaigns/{_part(campaign_id)}/cancel",
            body={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def list_suppressions(
        self,
        *,
        reason: str = OMIT,
        scope: str = OMIT,
        since: str | None = OMIT,
        until: str | None = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """Whom the tenant does not mail, the newest first. The platform's own list is not shown.

        GET /v1/suppressions
        """
        return self.call(
            "GET",
            "/v1/suppressions",
            query={
                "reason": reason,
                "scope": scope,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def suppress(
        self,
        *,
        idempotency_key: str = OMIT,
        address: str = OMIT,
        contact_id: str = OMIT,
        scope: str = OMIT,
        target: str = OMIT,
        reason: str = OMIT,
    ) -> Any:
        """Mail somebody no more; mail that is queued or held is not sent either.

        An address that is nobody's lead yet is kept, and whoever imports it later finds it suppressed.

        POST /v1/suppressions
        """
        return self.call(
            "POST",
            "/v1/suppressions",
            body={
                "address": address,
                "contact_id": contact_id,
                "scope": scope,
                "target": target,
                "reason": reason,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def suppress_many(self, *, items: list[Any], idempotency_key: str = OMIT) -> Any:
        """As one, up to a thousand: what became of each, in order; one refused stops no other.

        POST /v1/suppressions/bulk
        """
        return self.call(
            "POST",
            "/v1/suppressions/bulk",
            body={"items": items},
            headers={"idempotency-key": idempotency_key},
        )

    def import_suppressions(
        self,
        *,
        data: bytes,
        content_type: str,
        scope: str = OMIT,
        target: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """A list from elsewhere: a column `email`, and `reason` where it is known, else `import`.

        POST /v1/suppressions/import
        """
        return self.send(
            "POST",
            "/v1/suppressions/import",
            {"scope": scope, "target": target},
            data,
            {
                k: v
                for k, v in {
                    "idempotency-key": idempotency_key,
                    "Content-Type": content_type,
                }.items()
                if v is not OMIT
            },
        )

    def check_addresses(
        self,
        *,
        addresses: list[Any],
        idempotency_key: str = OMIT,
        workspace_id: str = OMIT,
        message_class: str = OMIT,
    ) -> Any:
        """Whether these addresses may be mailed, and if not, in which scope, why and since when.

        POST /v1/suppressions/check
        """
        return self.call(
            "POST",
            "/v1/suppressions/check",
            body={
                "addresses": addresses,
                "workspace_id": workspace_id,
                "message_class": message_class,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def export_suppressions(
        self,
        *,
        reason: str = OMIT,
        scope: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """The list as CSV. A cell that a spreadsheet could take for a formula is made text.

        GET /v1/suppressions/export
        """
        return self.call(
            "GET",
            "/v1/suppressions/export",
            query={"reason": reason, "scope": scope},
            headers={"idempotency-key": idempotency_key},
        )

    def lift(
        self,
        *,
        reason: str,
        idempotency_key: str = OMIT,
        address: str = OMIT,
        contact_id: str = OMIT,
        scope: str = OMIT,
        target: str = OMIT,
    ) -> Any:
        """Let somebody be mailed again, as far as the scope goes.

        POST /v1/suppressions/lift
        """
        return self.call(
            "POST",
            "/v1/suppressions/lift",
            body={
                "address": address,
                "contact_id": contact_id,
                "scope": scope,
                "target": target,
                "reason": reason,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def lift_contact(
        self,
        contact_id: str,
        *,
        reason: str,
        scope: str = OMIT,
        target: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """As `lift`, of a contact.

        DELETE /v1/suppressions/{contact_id}
        """
        return self.call(
            "DELETE",
            f"/v1/suppressions/{_part(contact_id)}",
            query={"reason": reason, "scope": scope, "target": target},
            headers={"idempotency-key": idempotency_key},
        )

    def suppress_everywhere(
        self,
        *,
        address: str,
        min_position: int = OMIT,
        reason: str = OMIT,
    ) -> Any:
        """For staff: no tenant mails this address any more, and none can lift that.

        POST /v1/suppressions/platform
        """
        return self.call(
            "POST",
            "/v1/suppressions/platform",
            query={"min_position": min_position},
            body={"address": address, "reason": reason},
        )

    def lift_everywhere(self, *, address: str, min_position: int = OMIT, reason: str = OMIT) -> Any:
        """For staff: tenants may mail this address again.

        POST /v1/suppressions/platform/lift
        """
        return self.call(
            "POST",
            "/v1/suppressions/platform/lift",
            query={"min_position": min_position},
            body={"address": address, "reason": reason},
        )

    def list_sends(
        self,
        *,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
        campaign_id: str = OMIT,
        contact_id: str = OMIT,
        provider: str = OMIT,
        state: str = OMIT,
        ip: str = OMIT,
        requested_from: str | None = OMIT,
        requested_to: str | None = OMIT,
    ) -> Any:
        """Sends by campaign, lead, provider, state, IP and the moment they were requested.

        What was requested last comes first; within a batch by index. `signals` are the kinds of what
        the recipient or a machine did.

        GET /v1/sends
        """
        return self.call(
            "GET",
            "/v1/sends",
            query={
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
                "campaign_id": campaign_id,
                "contact_id": contact_id,
                "provider": provider,
                "state": state,
                "ip": ip,
                "requested_from": requested_from,
                "requested_to": requested_to,
            },
        )

    def get_send(self, send_id: str, *, min_position: int = OMIT) -> Any:
        """What became of one mail to one lead, and why: events, decisions, releases, what holds it.

        GET /v1/sends/{send_id}
        """
        return self.call("GET", f"/v1/sends/{_part(send_id)}", query={"min_position": min_position})

    def get_overview(
        self,
        *,
        min_position: int = OMIT,
        range: str = OMIT,
        from_: str | None = OMIT,
        to: str | None = OMIT,
        tz: str = OMIT,
    ) -> Any:
        """The dashboard: totals beside those of the days before, funnel, campaigns, bounces, usage.

        GET /v1/overview
        """
        return self.call(
            "GET",
            "/v1/overview",
            query={"min_position": min_position, "range": range, "from": from_, "to": to, "tz": tz},
        )

    def get_timeseries(
        self,
        *,
        by: str = OMIT,
        campaign_id: str = OMIT,
        min_position: int = OMIT,
        range: str = OMIT,
        from_: str | None = OMIT,
        to: str | None = OMIT,
        tz: str = OMIT,
    ) -> Any:
        """Figures over time, cut where the zone's hours, days, weeks (from Monday) or months begin.

        Empty stretches are there too. The first and the last week or month end where the range does.

        GET /v1/analytics/timeseries
        """
        return self.call(
            "GET",
            "/v1/analytics/timeseries",
            query={
                "by": by,
                "campaign_id": campaign_id,
                "min_position": min_position,
                "range": range,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )

    def get_funnel(
        self,
        *,
        campaign_id: str = OMIT,
        min_position: int = OMIT,
        range: str = OMIT,
        from_: str | None = OMIT,
        to: str | None = OMIT,
        tz: str = OMIT,
    ) -> Any:
        """Requested, sent, delivered, opened, clicked, replied: what happened within the range.

        GET /v1/analytics/funnel
        """
        return self.call(
            "GET",
            "/v1/analytics/funnel",
            query={
                "campaign_id": campaign_id,
                "min_position": min_position,
                "range": range,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )

    def get_bounces(
        self,
        *,
        provider: str = OMIT,
        limit: int = OMIT,
        min_position: int = OMIT,
        range: str = OMIT,
        from_: str | None = OMIT,
        to: str | None = OMIT,
        tz: str = OMIT,
    ) -> Any:
        """The most frequent reasons of rejections, counted by UTC day: `utc_days` says which.

        GET /v1/analytics/bounces
        """
        return self.call(
            "GET",
            "/v1/analytics/bounces",
            query={
                "provider": provider,
                "limit": limit,
                "min_position": min_position,
                "range": range,
                "from": from_,
                "to": to,
                "tz": tz,
            },
        )

    def get_providers(
        self,
        *,
        min_position: int = OMIT,
        range: str = OMIT,
        from_: str | None = OMIT,
        to: str | None = OMIT,
        tz: str = OMIT,
    ) -> Any:
        """Figures by mailbox provider, where most was sent first.

        GET /v1/analytics/providers
        """
        return self.call(
            "GET",
            "/v1/analytics/providers",
            query={"min_position": min_position, "range": range, "from": from_, "to": to, "tz": tz},
        )

    def get_ips(
        self,
        *,
        min_position: int = OMIT,
        range: str = OMIT,
        from_: str | None = OMIT,
        to: str | None = OMIT,
        tz: str = OMIT,
    ) -> Any:
        """Figures by sending IP, where most was sent first. What never left is of none.

        GET /v1/analytics/ips
        """
        return self.call(
            "GET",
            "/v1/analytics/ips",
            query={"min_position": min_position, "range": range, "from": from_, "to": to, "tz": tz},
        )

    def get_campaign_stats(
        self,
        campaign_id: str,
        *,
        by: str = OMIT,
        tz: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """A campaign's figures from its first send on. By hour: its last 31 days.

        GET /v1/campaigns/{campaign_id}/stats
        """
        return self.call(
            "GET",
            f"/v1/campaigns/{_part(campaign_id)}/stats",
            query={"by": by, "tz": tz, "min_position": min_position},
        )

    def get_usage(self, *, min_position: int = OMIT) -> Any:
        """Sends of this month (UTC) against the plan's limit, crossings of 80, 90, 95 and 100 percent.

        A send is used once: in the month in which its first attempt started. Retries are free, and so
        is what was suppressed, cancelled or expired before any attempt.

        GET /v1/usage
        """
        return self.call("GET", "/v1/usage", query={"min_position": min_position})

    def set_limit(
        self,
        *,
        sends_per_month: int | None,
        reason: str,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Set what the tenant's plan covers. For staff alone; repeating it changes nothing.

        PUT /v1/usage/limit
        """
        return self.call(
            "PUT",
            "/v1/usage/limit",
            body={"sends_per_month": sends_per_month, "reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def listen(self, *, min_position: int = OMIT, last_event_id: str = OMIT) -> Any:
        """Campaigns' states and counters, imports' progress, decisions about volume, as they change.

        An event tells what is, not by how much it changed. After each group comes `position`, whose id
        a client gives back as Last-Event-ID: it is then told of all that changed since. Streams end
        after ten minutes; clients come back by themselves. Imports are told to those alone who may read
        leads, at most every 0.7 s.

        GET /v1/live
        """
        return self.events("/v1/live", last_event_id)

    def make_export(
        self,
        *,
        idempotency_key: str = OMIT,
        format: str = OMIT,
        filter: Mapping[str, Any] = OMIT,
        with_addresses: bool = OMIT,
    ) -> Any:
        """Keep a question to the ledger. Its rows are those requested up to now, as they are later.

        POST /v1/exports
        """
        return self.call(
            "POST",
            "/v1/exports",
            body={"format": format, "filter": filter, "with_addresses": with_addresses},
            headers={"idempotency-key": idempotency_key},
        )

    def get_export(self, export_id: str, *, min_position: int = OMIT) -> Any:
        """The export, and how many sends it has now (null where it names a lead).

        GET /v1/exports/{export_id}
        """
        return self.call(
            "GET", f"/v1/exports/{_part(export_id)}", query={"min_position": min_position}
        )

    def download_export(self, export_id: str, *, min_position: int = OMIT) -> Any:
        """The file, as it is written. Who was erased has no address in it, whenever it was made.

        GET /v1/exports/{export_id}/download
        """
        return self.call(
            "GET", f"/v1/exports/{_part(export_id)}/download", query={"min_position": min_position}
        )

    def get_health(self) -> Any:
        """Whether the API answers and whether its database does. 503 when that one is away.

        GET /health
        """
        return self.call("GET", "/health")

    def get_database(self) -> Any:
        """The database server that answers, and since when it runs.

        GET /health/db
        """
        return self.call("GET", "/health/db")

    def get_queue(self) -> Any:
        """How long the oldest due send waits, and lag and age of each reader of the log.

        GET /health/queue
        """
        return self.call("GET", "/health/queue")

    def get_email(self) -> Any:
        """Whether the gate lets mail out, and what is let go and under way in each lane.

        GET /health/email
        """
        return self.call("GET", "/health/email")

    def add_domain(
        self,
        *,
        domain: str,
        idempotency_key: str = OMIT,
        workspace_id: str = OMIT,
    ) -> Any:
        """Claim a domain. Its owner then publishes `records`, and has them checked.

        POST /v1/domains
        """
        return self.call(
            "POST",
            "/v1/domains",
            body={"domain": domain, "workspace_id": workspace_id},
            headers={"idempotency-key": idempotency_key},
        )

    def list_domains(
        self,
        *,
        state: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's sending domains by name.

        GET /v1/domains
        """
        return self.call(
            "GET",
            "/v1/domains",
            query={"state": state, "limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def get_domain(self, domain_id: str, *, min_position: int = OMIT) -> Any:
        """A domain with each DNS record: what to publish, what was seen, what is wrong.

        GET /v1/domains/{domain_id}
        """
        return self.call(
            "GET", f"/v1/domains/{_part(domain_id)}", query={"min_position": min_position}
        )

    def remove_domain(
        self,
        domain_id: str,
        *,
        reason: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Send as it no longer. The same tenant may add it again, with the same keys.

        DELETE /v1/domains/{domain_id}
        """
        return self.call(
            "DELETE",
            f"/v1/domains/{_part(domain_id)}",
            query={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def check_domain(self, domain_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Look at the domain's DNS now. It is verified when every record that is `needed` is there.

        One that was verified degrades when records have gone. Domains are also looked at by themselves.

        POST /v1/domains/{domain_id}/check
        """
        return self.call(
            "POST",
            f"/v1/domains/{_part(domain_id)}/check",
            headers={"idempotency-key": idempotency_key},
        )

    def assign_ip(
        self,
        domain_id: str,
        ip: str,
        *,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Mean the domain's mail to leave from this sending IP.

        PUT /v1/domains/{domain_id}/ips/{ip}
        """
        return self.call(
            "PUT",
            f"/v1/domains/{_part(domain_id)}/ips/{_part(ip)}",
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def unassign_ip(
        self,
        domain_id: str,
        ip: str,
        *,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Mean the domain's mail to leave from this sending IP no longer.

        DELETE /v1/domains/{domain_id}/ips/{ip}
        """
        return self.call(
            "DELETE",
            f"/v1/domains/{_part(domain_id)}/ips/{_part(ip)}",
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def create_dkim_key(
        self,
        domain_id: str,
        *,
        idempotency_key: str = OMIT,
        algorithm: str = OMIT,
    ) -> Any:
        """Make the domain's next key: publish `record`, then activate it. Until then it is idle.

        POST /v1/domains/{domain_id}/dkim-keys
        """
        return self.call(
            "POST",
            f"/v1/domains/{_part(domain_id)}/dkim-keys",
            body={"algorithm": algorithm},
            headers={"idempotency-key": idempotency_key},
        )

    def activate_dkim_key(
        self,
        domain_id: str,
        selector: str,
        *,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Sign with this key, once its record is seen in DNS; within a minute all mail is.

        The key before is kept for ten days, in which it may be activated again; then it is destroyed.

        POST /v1/domains/{domain_id}/dkim-keys/{selector}/activate
        """
        return self.call(
            "POST",
            f"/v1/domains/{_part(domain_id)}/dkim-keys/{_part(selector)}/activate",
            headers={"idempotency-key": idempotency_key},
        )

    def retire_dkim_key(
        self,
        domain_id: str,
        selector: str,
        *,
        reason: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Destroy a key that does not sign, at once. Its record may then be taken from DNS.

        DELETE /v1/domains/{domain_id}/dkim-keys/{selector}
        """
        return self.call(
            "DELETE",
            f"/v1/domains/{_part(domain_id)}/dkim-keys/{_part(selector)}",
            query={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def save_sender(self, *, address: str, idempotency_key: str = OMIT, name: str = OMIT) -> Any:
        """Keep a From address; the same address and name again are the same sender.

        POST /v1/senders
        """
        return self.call(
            "POST",
            "/v1/senders",
            body={"address": address, "name": name},
            headers={"idempotency-key": idempotency_key},
        )

    def list_senders(
        self,
        *,
        address: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's From addresses, and whether mail can be sent from them.

        GET /v1/senders
        """
        return self.call(
            "GET",
            "/v1/senders",
            query={
                "address": address,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def list_sending_ips(self, *, min_position: int = OMIT) -> Any:
        """All sending IPs of the tenant: route, caps and rates per provider, use of this UTC day.

        GET /v1/sending-ips
        """
        return self.call("GET", "/v1/sending-ips", query={"min_position": min_position})

    def add_ip(
        self,
        *,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        address: str = OMIT,
        route: str = OMIT,
        relay_host: str = OMIT,
        relay_port: int = OMIT,
        vps_id: str = OMIT,
        warmup_plan: str = OMIT,
    ) -> Any:
        """Let the tenant send from an IP that there is already.

        Only the platform's own people name an address or a relay: either reaches into the network that
        all tenants share. Without one, the system chooses the address and mail goes by MX.

        POST /v1/sending-ips
        """
        return self.call(
            "POST",
            "/v1/sending-ips",
            query={"min_position": min_position},
            body={
                "address": address,
                "route": route,
                "relay_host": relay_host,
                "relay_port": relay_port,
                "vps_id": vps_id,
                "warmup_plan": warmup_plan,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def get_sending_ip(self, ip: str, *, min_position: int = OMIT) -> Any:
        """One sending IP, as in the list; its ETag is for edits.

        GET /v1/sending-ips/{ip}
        """
        return self.call(
            "GET", f"/v1/sending-ips/{_part(ip)}", query={"min_position": min_position}
        )

    def put_cap(
        self,
        ip: str,
        provider: str,
        *,
        cap_per_day: int | None,
        reason: str,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Bind, change or lift the daily cap towards a provider.

        PUT /v1/sending-ips/{ip}/caps/{provider}
        """
        return self.call(
            "PUT",
            f"/v1/sending-ips/{_part(ip)}/caps/{_part(provider)}",
            body={"cap_per_day": cap_per_day, "reason": reason},
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def put_rate(
        self,
        ip: str,
        provider: str,
        *,
        rate_per_s: float,
        burst: int,
        reason: str,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Bind or change the rate towards a provider.

        PUT /v1/sending-ips/{ip}/rates/{provider}
        """
        return self.call(
            "PUT",
            f"/v1/sending-ips/{_part(ip)}/rates/{_part(provider)}",
            body={"rate_per_s": rate_per_s, "burst": burst, "reason": reason},
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def put_warmup(
        self,
        ip: str,
        *,
        plan: str,
        reason: str,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
        curve: list[Any] = OMIT,
        target: int = OMIT,
        force: bool = OMIT,
    ) -> Any:
        """Choose how it warms up towards each provider without a plan of its own.

        From then on volume control decides how much may leave; with the plan `none` no longer. An IP
        that hands its mail to a relay wants `force`, for a relay hides what providers answer.

        PUT /v1/sending-ips/{ip}/warmup
        """
        return self.call(
            "PUT",
            f"/v1/sending-ips/{_part(ip)}/warmup",
            body={"plan": plan, "curve": curve, "target": target, "reason": reason, "force": force},
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def put_warmup_to(
        self,
        ip: str,
        provider: str,
        *,
        plan: str,
        reason: str,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
        curve: list[Any] = OMIT,
        target: int = OMIT,
        force: bool = OMIT,
    ) -> Any:
        """Choose how it warms up towards one provider.

        PUT /v1/sending-ips/{ip}/warmup/{provider}
        """
        return self.call(
            "PUT",
            f"/v1/sending-ips/{_part(ip)}/warmup/{_part(provider)}",
            body={"plan": plan, "curve": curve, "target": target, "reason": reason, "force": force},
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def quarantine_ip(self, ip: str, *, reason: str, idempotency_key: str = OMIT) -> Any:
        """Let nothing new leave from it, until it is released. What is on the wire ends as it ends.

        POST /v1/sending-ips/{ip}/quarantine
        """
        return self.call(
            "POST",
            f"/v1/sending-ips/{_part(ip)}/quarantine",
            body={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def release_ip(self, ip: str, *, reason: str, idempotency_key: str = OMIT) -> Any:
        """End its quarantine; caps, plans and what volume control decided hold as before.

        POST /v1/sending-ips/{ip}/release
        """
        return self.call(
            "POST",
            f"/v1/sending-ips/{_part(ip)}/release",
            body={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def retire_ip(self, ip: str, *, reason: str, idempotency_key: str = OMIT) -> Any:
        """Send nothing more from this IP, ever.

        POST /v1/sending-ips/{ip}/retire
        """
        return self.call(
            "POST",
            f"/v1/sending-ips/{_part(ip)}/retire",
            body={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def list_ip_pools(
        self,
        *,
        retired: bool | None = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's pools, the oldest first, each with its sending IPs.

        GET /v1/ip-pools
        """
        return self.call(
            "GET",
            "/v1/ip-pools",
            query={
                "retired": retired,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def create_ip_pool(self, *, name: str, idempotency_key: str = OMIT) -> Any:
        """Make a pool; put sending IPs into it, then name it in a campaign.

        POST /v1/ip-pools
        """
        return self.call(
            "POST",
            "/v1/ip-pools",
            body={"name": name},
            headers={"idempotency-key": idempotency_key},
        )

    def get_ip_pool(self, pool_id: str, *, provider: str = OMIT, min_position: int = OMIT) -> Any:
        """One pool; of each member what may still leave today, its reputation, its share of mail.

        `left` is null where nothing binds, `score` where it is unknown. `weight` is the share that both
        make; a member whose score is below 50 comes last. Only providers that some member met today or
        has a limit for are told, or the one that is asked for.

        GET /v1/ip-pools/{pool_id}
        """
        return self.call(
            "GET",
            f"/v1/ip-pools/{_part(pool_id)}",
            query={"provider": provider, "min_position": min_position},
        )

    def rename_ip_pool(self, pool_id: str, *, name: str, idempotency_key: str = OMIT) -> Any:
        """Call it otherwise.

        PATCH /v1/ip-pools/{pool_id}
        """
        return self.call(
            "PATCH",
            f"/v1/ip-pools/{_part(pool_id)}",
            body={"name": name},
            headers={"idempotency-key": idempotency_key},
        )

    def put_pool_ip(self, pool_id: str, ip: str, *, idempotency_key: str = OMIT) -> Any:
        """Let the pool's mail leave from a sending IP.

        A campaign that runs goes there with what its own IPs cannot carry today, once it is warm.

        PUT /v1/ip-pools/{pool_id}/ips/{ip}
        """
        return self.call(
            "PUT",
            f"/v1/ip-pools/{_part(pool_id)}/ips/{_part(ip)}",
            headers={"idempotency-key": idempotency_key},
        )

    def take_pool_ip(self, pool_id: str, ip: str, *, idempotency_key: str = OMIT) -> Any:
        """Launch nothing from that IP for this pool; campaigns that run keep the IPs that they have.

        DELETE /v1/ip-pools/{pool_id}/ips/{ip}
        """
        return self.call(
            "DELETE",
            f"/v1/ip-pools/{_part(pool_id)}/ips/{_part(ip)}",
            headers={"idempotency-key": idempotency_key},
        )

    def retire_ip_pool(self, pool_id: str, *, reason: str, idempotency_key: str = OMIT) -> Any:
        """Launch nothing from it any more; its IPs and campaigns that run stay as they are.

        POST /v1/ip-pools/{pool_id}/retire
        """
        return self.call(
            "POST",
            f"/v1/ip-pools/{_part(pool_id)}/retire",
            body={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def move_tenant(
        self,
        tenant_id: str,
        *,
        reason: str,
        min_position: int = OMIT,
        to_ips: list[Any] = OMIT,
        pool_id: str = OMIT,
        from_ips: list[Any] = OMIT,
        plan: str = OMIT,
        acknowledge: bool = OMIT,
    ) -> Any:
        """Move a tenant's mail to clean infrastructure.

        The old IPs are quarantined; domains and campaigns that had them have the new ones, which warm
        up by a plan. What is started ends where it is. Refused where the tenant's own lists are why it
        is held, until that is acknowledged. Broken off, it is repeated with the same words.

        POST /v1/staff/tenants/{tenant_id}/move
        """
        return self.call(
            "POST",
            f"/v1/staff/tenants/{_part(tenant_id)}/move",
            query={"min_position": min_position},
            body={
                "to_ips": to_ips,
                "pool_id": pool_id,
                "from_ips": from_ips,
                "plan": plan,
                "reason": reason,
                "acknowledge": acknowledge,
            },
        )

    def register_vps(self, *, name: str, idempotency_key: str = OMIT, region: str = OMIT) -> Any:
        """Note a VPS of the tenant.

        POST /v1/vps
        """
        return self.call(
            "POST",
            "/v1/vps",
            body={"name": name, "region": region},
            headers={"idempotency-key": idempotency_key},
        )

    def list_vps(
        self,
        *,
        state: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's VPS, the oldest first.

        GET /v1/vps
        """
        return self.call(
            "GET",
            "/v1/vps",
            query={"state": state, "limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def get_vps(self, vps_id: str, *, min_position: int = OMIT) -> Any:
        """One VPS and the sending IPs that belong to it.

        GET /v1/vps/{vps_id}
        """
        return self.call("GET", f"/v1/vps/{_part(vps_id)}", query={"min_position": min_position})

    def put_state(
        self,
        vps_id: str,
        *,
        state: str,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
        reason: str = OMIT,
    ) -> Any:
        """Put it into service, out of service for a while, or give it up.

        PUT /v1/vps/{vps_id}/state
        """
        return self.call(
            "PUT",
            f"/v1/vps/{_part(vps_id)}/state",
            body={"state": state, "reason": reason},
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def place_ip(self, vps_id: str, ip: str, *, idempotency_key: str = OMIT) -> Any:
        """Record that a sending IP belongs to this VPS.

        PUT /v1/vps/{vps_id}/ips/{ip}
        """
        return self.call(
            "PUT",
            f"/v1/vps/{_part(vps_id)}/ips/{_part(ip)}",
            headers={"idempotency-key": idempotency_key},
        )

    def create_mailbox(
        self,
        *,
        address: str,
        idempotency_key: str = OMIT,
        daily_limit: int = OMIT,
        warmup_wanted: bool = OMIT,
        workspace_id: str = OMIT,
    ) -> Any:
        """Note a mailbox of one of the tenant's domains.

        POST /v1/mailboxes
        """
        return self.call(
            "POST",
            "/v1/mailboxes",
            body={
                "address": address,
                "daily_limit": daily_limit,
                "warmup_wanted": warmup_wanted,
                "workspace_id": workspace_id,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def list_mailboxes(
        self,
        *,
        state: str = OMIT,
        domain_id: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's mailboxes, the newest first.

        GET /v1/mailboxes
        """
        return self.call(
            "GET",
            "/v1/mailboxes",
            query={
                "state": state,
                "domain_id": domain_id,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def get_mailbox(self, mailbox_id: str, *, min_position: int = OMIT) -> Any:
        """One mailbox. `protocols` tells which credentials there are; nothing tells them.

        GET /v1/mailboxes/{mailbox_id}
        """
        return self.call(
            "GET", f"/v1/mailboxes/{_part(mailbox_id)}", query={"min_position": min_position}
        )

    def change_mailbox(
        self,
        mailbox_id: str,
        *,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
        daily_limit: int | None = OMIT,
        warmup_wanted: bool | None = OMIT,
    ) -> Any:
        """Change its daily limit, or whether its volume is to rise slowly.

        PATCH /v1/mailboxes/{mailbox_id}
        """
        return self.call(
            "PATCH",
            f"/v1/mailboxes/{_part(mailbox_id)}",
            body={"daily_limit": daily_limit, "warmup_wanted": warmup_wanted},
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def remove_mailbox(
        self,
        mailbox_id: str,
        *,
        reason: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Give it up: its address and credentials are forgotten at once.

        DELETE /v1/mailboxes/{mailbox_id}
        """
        return self.call(
            "DELETE",
            f"/v1/mailboxes/{_part(mailbox_id)}",
            query={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def pause_mailbox(self, mailbox_id: str, *, reason: str, idempotency_key: str = OMIT) -> Any:
        """Let nothing leave from it until it is resumed.

        POST /v1/mailboxes/{mailbox_id}/pause
        """
        return self.call(
            "POST",
            f"/v1/mailboxes/{_part(mailbox_id)}/pause",
            body={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def resume_mailbox(self, mailbox_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Go on after a pause.

        POST /v1/mailboxes/{mailbox_id}/resume
        """
        return self.call(
            "POST",
            f"/v1/mailboxes/{_part(mailbox_id)}/resume",
            headers={"idempotency-key": idempotency_key},
        )

    def put_credentials(
        self,
        mailbox_id: str,
        *,
        credentials: list[Any],
        idempotency_key: str = OMIT,
    ) -> Any:
        """Keep what opens it. It is sealed at once, and no answer ever shows it.

        PUT /v1/mailboxes/{mailbox_id}/credentials
        """
        return self.call(
            "PUT",
            f"/v1/mailboxes/{_part(mailbox_id)}/credentials",
            body={"credentials": credentials},
            headers={"idempotency-key": idempotency_key},
        )

    def create_template(
        self,
        *,
        name: str,
        idempotency_key: str = OMIT,
        workspace_id: str = OMIT,
        folder: str = OMIT,
        tags: list[Any] = OMIT,
        draft: Mapping[str, Any] | None = OMIT,
    ) -> Any:
        """Create a template. Nothing can be sent of it until a version is published.

        POST /v1/templates
        """
        return self.call(
            "POST",
            "/v1/templates",
            body={
                "name": name,
                "workspace_id": workspace_id,
                "folder": folder,
                "tags": tags,
                "draft": draft,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def list_templates(
        self,
        *,
        folder: str = OMIT,
        tag: str = OMIT,
        archived: bool = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's templates, the newest first.

        GET /v1/templates
        """
        return self.call(
            "GET",
            "/v1/templates",
            query={
                "folder": folder,
                "tag": tag,
                "archived": archived,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def get_template(self, template_id: str, *, min_position: int = OMIT) -> Any:
        """One template; what it says is under /draft and /versions.

        GET /v1/templates/{template_id}
        """
        return self.call(
            "GET", f"/v1/templates/{_part(template_id)}", query={"min_position": min_position}
        )

    def change_template(
        self,
        template_id: str,
        *,
        idempotency_key: str = OMIT,
        name: str | None = OMIT,
        folder: str | None = OMIT,
        tags: list[Any] | None = OMIT,
    ) -> Any:
        """Call it otherwise, put it into a folder, give it tags.

        PATCH /v1/templates/{template_id}
        """
        return self.call(
            "PATCH",
            f"/v1/templates/{_part(template_id)}",
            body={"name": name, "folder": folder, "tags": tags},
            headers={"idempotency-key": idempotency_key},
        )

    def get_draft(self, template_id: str, *, idempotency_key: str = OMIT) -> Any:
        """What the template says now, with its ETag.

        GET /v1/templates/{template_id}/draft
        """
        return self.call(
            "GET",
            f"/v1/templates/{_part(template_id)}/draft",
            headers={"idempotency-key": idempotency_key},
        )

    def put_draft(
        self,
        template_id: str,
        *,
        subject: str,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
        html: str | None = OMIT,
        mjml: str | None = OMIT,
        text: str | None = OMIT,
        preheader: str = OMIT,
    ) -> Any:
        """Keep what the template says. Once there is a draft, If-Match says which one you changed.

        PUT /v1/templates/{template_id}/draft
        """
        return self.call(
            "PUT",
            f"/v1/templates/{_part(template_id)}/draft",
            body={
                "subject": subject,
                "html": html,
                "mjml": mjml,
                "text": text,
                "preheader": preheader,
            },
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def publish_template(
        self,
        template_id: str,
        *,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Make what the draft says a version that campaigns can send; versions never change.

        If-Match, where it is sent, keeps a draft that you have not seen from being published.

        POST /v1/templates/{template_id}/publish
        """
        return self.call(
            "POST",
            f"/v1/templates/{_part(template_id)}/publish",
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def duplicate_template(
        self,
        template_id: str,
        *,
        name: str,
        idempotency_key: str = OMIT,
    ) -> Any:
        """A new template whose draft says the same.

        POST /v1/templates/{template_id}/duplicate
        """
        return self.call(
            "POST",
            f"/v1/templates/{_part(template_id)}/duplicate",
            body={"name": name},
            headers={"idempotency-key": idempotency_key},
        )

    def archive_template(self, template_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Put it away: no edits, no versions. What was published stays sendable for what runs.

        POST /v1/templates/{template_id}/archive
        """
        return self.call(
            "POST",
            f"/v1/templates/{_part(template_id)}/archive",
            headers={"idempotency-key": idempotency_key},
        )

    def restore_template(self, template_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Take it out again.

        POST /v1/templates/{template_id}/restore
        """
        return self.call(
            "POST",
            f"/v1/templates/{_part(template_id)}/restore",
            headers={"idempotency-key": idempotency_key},
        )

    def list_versions(
        self,
        template_id: str,
        *,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """What was published, the newest first.

        GET /v1/templates/{template_id}/versions
        """
        return self.call(
            "GET",
            f"/v1/templates/{_part(template_id)}/versions",
            query={"limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def get_version(self, template_id: str, version: int, *, min_position: int = OMIT) -> Any:
        """What a version says: its parts as they are sent, variables and all.

        GET /v1/templates/{template_id}/versions/{version}
        """
        return self.call(
            "GET",
            f"/v1/templates/{_part(template_id)}/versions/{_part(version)}",
            query={"min_position": min_position},
        )

    def compare(
        self,
        template_id: str,
        *,
        from_: int,
        to: int | None = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """What changed between two versions, or since one, part by part.

        GET /v1/templates/{template_id}/diff
        """
        return self.call(
            "GET",
            f"/v1/templates/{_part(template_id)}/diff",
            query={"from": from_, "to": to},
            headers={"idempotency-key": idempotency_key},
        )

    def lint(
        self,
        template_id: str,
        *,
        idempotency_key: str = OMIT,
        version: int | None = OMIT,
        list_id: str = OMIT,
        fields: list[Any] | None = OMIT,
        message_class: str = OMIT,
    ) -> Any:
        """Everything that is wrong with it, each with field, line and cure. Errors bar publishing.

        POST /v1/templates/{template_id}/lint
        """
        return self.call(
            "POST",
            f"/v1/templates/{_part(template_id)}/lint",
            body={
                "version": version,
                "list_id": list_id,
                "fields": fields,
                "message_class": message_class,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def show(
        self,
        template_id: str,
        *,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        version: int | None = OMIT,
        contact_id: str = OMIT,
        fields: Mapping[str, Any] = OMIT,
    ) -> Any:
        """The mail as one reader would see it. Show `html` in a sandboxed frame only.

        Links are those of the template, and nothing in it is counted.

        POST /v1/templates/{template_id}/preview
        """
        return self.call(
            "POST",
            f"/v1/templates/{_part(template_id)}/preview",
            query={"min_position": min_position},
            body={"version": version, "contact_id": contact_id, "fields": fields},
            headers={"idempotency-key": idempotency_key},
        )

    def send_test(
        self,
        template_id: str,
        *,
        sender_id: str,
        to: list[Any],
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        version: int | None = OMIT,
        contact_id: str = OMIT,
        fields: Mapping[str, Any] = OMIT,
    ) -> Any:
        """Send it, marked as a test, to at most 5 addresses through our own pipeline.

        The campaign that carries it tells what became of it.

        POST /v1/templates/{template_id}/test
        """
        return self.call(
            "POST",
            f"/v1/templates/{_part(template_id)}/test",
            query={"min_position": min_position},
            body={
                "version": version,
                "contact_id": contact_id,
                "fields": fields,
                "sender_id": sender_id,
                "to": to,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def sign_up(self, *, address: str, password: str, tenant_name: str) -> Any:
        """A person with a tenant of their own. A mail tells how to go on.

        The answer is the same for an address that has an account, and takes as long; its owner is told
        by mail.

        POST /v1/auth/signup
        """
        return self.call(
            "POST",
            "/v1/auth/signup",
            body={"address": address, "password": password, "tenant_name": tenant_name},
        )

    def verify(self, *, token: str) -> Any:
        """Say that an address is yours, by the token that was mailed to it. It serves once.

        POST /v1/auth/verify
        """
        return self.call("POST", "/v1/auth/verify", body={"token": token})

    def resend_verification(self, *, address: str) -> Any:
        """Mail the link again, where one is still needed. The answer is the same for all.

        POST /v1/auth/resend-verification
        """
        return self.call("POST", "/v1/auth/resend-verification", body={"address": address})

    def ask_reset(self, *, address: str) -> Any:
        """Mail a link to choose another password. The answer is the same for all.

        POST /v1/auth/reset-request
        """
        return self.call("POST", "/v1/auth/reset-request", body={"address": address})

    def reset(self, *, token: str, password: str) -> Any:
        """Choose another password by the token that was mailed. Every session ends.

        POST /v1/auth/reset
        """
        return self.call("POST", "/v1/auth/reset", body={"token": token, "password": password})

    def log_in(
        self,
        *,
        address: str,
        password: str,
        code: str = OMIT,
        recovery_code: str = OMIT,
        cookie: bool = OMIT,
    ) -> Any:
        """A session for who gives address and password; `totp_required` asks for a code as well.

        POST /v1/auth/login
        """
        return self.call(
            "POST",
            "/v1/auth/login",
            body={
                "address": address,
                "password": password,
                "code": code,
                "recovery_code": recovery_code,
                "cookie": cookie,
            },
        )

    def log_out(self) -> Any:
        """End the session that asks: its token serves no more.

        POST /v1/auth/logout
        """
        return self.call("POST", "/v1/auth/logout")

    def get_me(self) -> Any:
        """Who you are and which tenants you may act in.

        GET /v1/me
        """
        return self.call("GET", "/v1/me")

    def change_me(self, *, name: str) -> Any:
        """Say how you want to be called.

        PATCH /v1/me
        """
        return self.call("PATCH", "/v1/me", body={"name": name})

    def list_sessions(self) -> Any:
        """Where you are logged in, newest first; `current` is the session that asks.

        GET /v1/me/sessions
        """
        return self.call("GET", "/v1/me/sessions")

    def end_session(self, session_id: str) -> Any:
        """End one of your sessions: its token serves no more.

        DELETE /v1/me/sessions/{session_id}
        """
        return self.call("DELETE", f"/v1/me/sessions/{_part(session_id)}")

    def prove(self, *, password: str, code: str = OMIT, recovery_code: str = OMIT) -> Any:
        """Give your password once more (and a code, if you use codes), before what is dangerous.

        Making and ending API keys, deleting or exporting a tenant want it to be no older than ten
        minutes. Logging in counts.

        POST /v1/me/proof
        """
        return self.call(
            "POST",
            "/v1/me/proof",
            body={"password": password, "code": code, "recovery_code": recovery_code},
        )

    def change_password(self, *, password: str, new_password: str) -> Any:
        """Another password. Every session ends, and you go on in the one that is answered.

        POST /v1/me/password
        """
        return self.call(
            "POST", "/v1/me/password", body={"password": password, "new_password": new_password}
        )

    def begin_totp(self, *, password: str) -> Any:
        """A seed for your authenticator app. Nothing changes until you confirm it with a code.

        POST /v1/me/totp
        """
        return self.call("POST", "/v1/me/totp", body={"password": password})

    def confirm_totp(self, *, code: str) -> Any:
        """Ask for a code at each log-in from now on. The recovery codes are shown this once.

        POST /v1/me/totp/confirm
        """
        return self.call("POST", "/v1/me/totp/confirm", body={"code": code})

    def disable_totp(self, *, password: str, code: str = OMIT, recovery_code: str = OMIT) -> Any:
        """Ask for codes no more. Needs the password and one more code.

        POST /v1/me/totp/disable
        """
        return self.call(
            "POST",
            "/v1/me/totp/disable",
            body={"password": password, "code": code, "recovery_code": recovery_code},
        )

    def replace_recovery_codes(
        self,
        *,
        password: str,
        code: str = OMIT,
        recovery_code: str = OMIT,
    ) -> Any:
        """Ten new recovery codes in place of the old ones, shown this once.

        POST /v1/me/recovery-codes
        """
        return self.call(
            "POST",
            "/v1/me/recovery-codes",
            body={"password": password, "code": code, "recovery_code": recovery_code},
        )

    def erase_lead(self, contact_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Erase a person for good. What stays is an id, and the suppression by a keyed hash.

        POST /v1/leads/{contact_id}/erase
        """
        return self.call(
            "POST",
            f"/v1/leads/{_part(contact_id)}/erase",
            headers={"idempotency-key": idempotency_key},
        )

    def erase_leads(self, *, contact_ids: list[Any], idempotency_key: str = OMIT) -> Any:
        """Erase up to 100 people; each has its own answer, and one unknown id stops none of them.

        POST /v1/leads/erase
        """
        return self.call(
            "POST",
            "/v1/leads/erase",
            body={"contact_ids": contact_ids},
            headers={"idempotency-key": idempotency_key},
        )

    def delete_tenant(self, *, name: str, idempotency_key: str = OMIT) -> Any:
        """Nothing is sent any more; after 90 days everything personal and all keys are destroyed.

        DELETE /v1/tenant
        """
        return self.call(
            "DELETE",
            "/v1/tenant",
            body={"name": name},
            headers={"idempotency-key": idempotency_key},
        )

    def get_tenant(self, *, min_position: int = OMIT) -> Any:
        """The tenant: name, time zone of its days, whether it may send, how much is in it.

        GET /v1/tenant
        """
        return self.call("GET", "/v1/tenant", query={"min_position": min_position})

    def change_tenant(
        self,
        *,
        idempotency_key: str = OMIT,
        name: str | None = OMIT,
        time_zone: str | None = OMIT,
        contact_fatigue: Mapping[str, Any] | None = OMIT,
    ) -> Any:
        """Another name, time zone of reports and schedules, or limit of what a contact may get.

        PATCH /v1/tenant
        """
        return self.call(
            "PATCH",
            "/v1/tenant",
            body={"name": name, "time_zone": time_zone, "contact_fatigue": contact_fatigue},
            headers={"idempotency-key": idempotency_key},
        )

    def get_deletion(self, *, idempotency_key: str = OMIT) -> Any:
        """Whether, and from when on, the tenant is destroyed.

        GET /v1/tenant/deletion
        """
        return self.call("GET", "/v1/tenant/deletion", headers={"idempotency-key": idempotency_key})

    def cancel_deletion(self, *, idempotency_key: str = OMIT) -> Any:
        """Keep the tenant; it sends again unless it was suspended for another reason.

        POST /v1/tenant/deletion/cancel
        """
        return self.call(
            "POST", "/v1/tenant/deletion/cancel", headers={"idempotency-key": idempotency_key}
        )

    def export_tenant(self, *, idempotency_key: str = OMIT) -> Any:
        """Have all of the tenant's data put into one archive (docs/tenant-archive.md).

        Secrets are left out, and listed. One is made at a time, and the newest is kept, for three days
        or until somebody in it is erased.

        POST /v1/tenant/exports
        """
        return self.call("POST", "/v1/tenant/exports", headers={"idempotency-key": idempotency_key})

    def list_tenant_exports(self, *, idempotency_key: str = OMIT) -> Any:
        """Those that are under way or kept, the newest first.

        GET /v1/tenant/exports
        """
        return self.call("GET", "/v1/tenant/exports", headers={"idempotency-key": idempotency_key})

    def get_tenant_export(self, export_id: str, *, idempotency_key: str = OMIT) -> Any:
        """How far it is; once it is `done`, what is in it.

        GET /v1/tenant/exports/{export_id}
        """
        return self.call(
            "GET",
            f"/v1/tenant/exports/{_part(export_id)}",
            headers={"idempotency-key": idempotency_key},
        )

    def download_tenant_export(self, export_id: str, *, idempotency_key: str = OMIT) -> Any:
        """The archive, a ZIP. Each download is an event in the audit log.

        GET /v1/tenant/exports/{export_id}/download
        """
        return self.call(
            "GET",
            f"/v1/tenant/exports/{_part(export_id)}/download",
            headers={"idempotency-key": idempotency_key},
        )

    def list_roles(self, *, min_position: int = OMIT) -> Any:
        """Every role of a tenant's people, and what it may do: scopes of API keys are named so too.

        GET /v1/roles
        """
        return self.call("GET", "/v1/roles", query={"min_position": min_position})

    def list_users(
        self,
        *,
        role: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's people, by id.

        GET /v1/users
        """
        return self.call(
            "GET",
            "/v1/users",
            query={"role": role, "limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def get_user(self, user_id: str, *, min_position: int = OMIT) -> Any:
        """One person of the tenant.

        GET /v1/users/{user_id}
        """
        return self.call("GET", f"/v1/users/{_part(user_id)}", query={"min_position": min_position})

    def change_user(
        self,
        user_id: str,
        *,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        role: str | None = OMIT,
        workspace_ids: list[Any] | None = OMIT,
        reason: str = OMIT,
    ) -> Any:
        """Another role or other workspaces, from the person's next request on.

        Nobody gives or takes a role above their own, and the last owner keeps theirs.

        PATCH /v1/users/{user_id}
        """
        return self.call(
            "PATCH",
            f"/v1/users/{_part(user_id)}",
            query={"min_position": min_position},
            body={"role": role, "workspace_ids": workspace_ids, "reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def remove_user(
        self,
        user_id: str,
        *,
        reason: str = OMIT,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Remove a person from this tenant, at once. Their account and other tenants stay theirs.

        DELETE /v1/users/{user_id}
        """
        return self.call(
            "DELETE",
            f"/v1/users/{_part(user_id)}",
            query={"reason": reason, "min_position": min_position},
            headers={"idempotency-key": idempotency_key},
        )

    def disable_user(
        self,
        user_id: str,
        *,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        reason: str = OMIT,
    ) -> Any:
        """Take a person's access to this tenant, at once; they keep their place.

        POST /v1/users/{user_id}/disable
        """
        return self.call(
            "POST",
            f"/v1/users/{_part(user_id)}/disable",
            query={"min_position": min_position},
            body={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def enable_user(
        self,
        user_id: str,
        *,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        reason: str = OMIT,
    ) -> Any:
        """Give a disabled person their access back.

        POST /v1/users/{user_id}/enable
        """
        return self.call(
            "POST",
            f"/v1/users/{_part(user_id)}/enable",
            query={"min_position": min_position},
            body={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def invite(
        self,
        *,
        address: str,
        role: str,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        workspace_ids: list[Any] | None = OMIT,
    ) -> Any:
        """Mail somebody a link into the tenant. Nobody invites into a role above their own.

        POST /v1/invitations
        """
        return self.call(
            "POST",
            "/v1/invitations",
            query={"min_position": min_position},
            body={"address": address, "role": role, "workspace_ids": workspace_ids},
            headers={"idempotency-key": idempotency_key},
        )

    def list_invitations(
        self,
        *,
        state: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's invitations, the newest first.

        GET /v1/invitations
        """
        return self.call(
            "GET",
            "/v1/invitations",
            query={"state": state, "limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def accept(self, *, token: str, password: str | None = OMIT) -> Any:
        """Come into the tenant by the link of the mail: as who is logged in, or with a new account.

        POST /v1/invitations/accept
        """
        return self.call(
            "POST", "/v1/invitations/accept", body={"token": token, "password": password}
        )

    def resend(
        self,
        invitation_id: str,
        *,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Mail a fresh link, good for seven days again; the older link is void.

        POST /v1/invitations/{invitation_id}/resend
        """
        return self.call(
            "POST",
            f"/v1/invitations/{_part(invitation_id)}/resend",
            query={"min_position": min_position},
            headers={"idempotency-key": idempotency_key},
        )

    def revoke(self, invitation_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Void the invitation; its link opens nothing any more.

        DELETE /v1/invitations/{invitation_id}
        """
        return self.call(
            "DELETE",
            f"/v1/invitations/{_part(invitation_id)}",
            headers={"idempotency-key": idempotency_key},
        )

    def create_key(
        self,
        *,
        name: str,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        role: str | None = OMIT,
        scopes: list[Any] = OMIT,
        workspace_ids: list[Any] | None = OMIT,
        expires_in_days: int | None = OMIT,
        test: bool = OMIT,
    ) -> Any:
        """Make a key. `key` is shown in this answer alone; only its hash is kept.

        POST /v1/keys
        """
        return self.call(
            "POST",
            "/v1/keys",
            query={"min_position": min_position},
            body={
                "name": name,
                "role": role,
                "scopes": scopes,
                "workspace_ids": workspace_ids,
                "expires_in_days": expires_in_days,
                "test": test,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def list_keys(self, *, limit: int = OMIT, cursor: str = OMIT, min_position: int = OMIT) -> Any:
        """The tenant's keys, the newest first, without their secrets.

        GET /v1/keys
        """
        return self.call(
            "GET",
            "/v1/keys",
            query={"limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def get_key(self, key_id: str, *, min_position: int = OMIT) -> Any:
        """One key: what it may do, until when, when it was last used (to the minute).

        GET /v1/keys/{key_id}
        """
        return self.call("GET", f"/v1/keys/{_part(key_id)}", query={"min_position": min_position})

    def revoke_key(self, key_id: str, *, reason: str = OMIT, idempotency_key: str = OMIT) -> Any:
        """End a key: the next request with it is refused.

        DELETE /v1/keys/{key_id}
        """
        return self.call(
            "DELETE",
            f"/v1/keys/{_part(key_id)}",
            query={"reason": reason},
            headers={"idempotency-key": idempotency_key},
        )

    def rotate_key(
        self,
        key_id: str,
        *,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        overlap_s: int = OMIT,
    ) -> Any:
        """Put a new key in its place, with the same rights; the old one ends after `overlap_s`.

        POST /v1/keys/{key_id}/rotate
        """
        return self.call(
            "POST",
            f"/v1/keys/{_part(key_id)}/rotate",
            query={"min_position": min_position},
            body={"overlap_s": overlap_s},
            headers={"idempotency-key": idempotency_key},
        )

    def create_workspace(self, *, name: str, idempotency_key: str = OMIT) -> Any:
        """A new workspace.

        POST /v1/workspaces
        """
        return self.call(
            "POST",
            "/v1/workspaces",
            body={"name": name},
            headers={"idempotency-key": idempotency_key},
        )

    def list_workspaces(
        self,
        *,
        archived: bool = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The workspaces that the caller may see, by id.

        GET /v1/workspaces
        """
        return self.call(
            "GET",
            "/v1/workspaces",
            query={
                "archived": archived,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def get_workspace(self, workspace_id: str, *, min_position: int = OMIT) -> Any:
        """One workspace.

        GET /v1/workspaces/{workspace_id}
        """
        return self.call(
            "GET", f"/v1/workspaces/{_part(workspace_id)}", query={"min_position": min_position}
        )

    def rename_workspace(self, workspace_id: str, *, name: str, idempotency_key: str = OMIT) -> Any:
        """Call it otherwise.

        PATCH /v1/workspaces/{workspace_id}
        """
        return self.call(
            "PATCH",
            f"/v1/workspaces/{_part(workspace_id)}",
            body={"name": name},
            headers={"idempotency-key": idempotency_key},
        )

    def archive_workspace(self, workspace_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Close it for what is new; what it holds stays and can be looked at.

        POST /v1/workspaces/{workspace_id}/archive
        """
        return self.call(
            "POST",
            f"/v1/workspaces/{_part(workspace_id)}/archive",
            headers={"idempotency-key": idempotency_key},
        )

    def list_workspace_users(
        self,
        workspace_id: str,
        *,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """Who may see the workspace: its own people, and those of the whole tenant.

        GET /v1/workspaces/{workspace_id}/users
        """
        return self.call(
            "GET",
            f"/v1/workspaces/{_part(workspace_id)}/users",
            query={"limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def list_audit(
        self,
        *,
        actor: str = OMIT,
        type: str = OMIT,
        subject: str = OMIT,
        since: str | None = OMIT,
        until: str | None = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """Every decision in the tenant, the newest first, with its whole event.

        GET /v1/audit
        """
        return self.call(
            "GET",
            "/v1/audit",
            query={
                "actor": actor,
                "type": type,
                "subject": subject,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def list_tenants(
        self,
        *,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """All tenants, by id.

        GET /v1/staff/tenants
        """
        return self.call(
            "GET",
            "/v1/staff/tenants",
            query={"limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def get_any_tenant(self, tenant_id: str, *, min_position: int = OMIT) -> Any:
        """One tenant, with how much is in it.

        GET /v1/staff/tenants/{tenant_id}
        """
        return self.call(
            "GET", f"/v1/staff/tenants/{_part(tenant_id)}", query={"min_position": min_position}
        )

    def suspend_tenant(self, tenant_id: str, *, reason: str, min_position: int = OMIT) -> Any:
        """Stop everything that the tenant sends, until it is restored.

        POST /v1/staff/tenants/{tenant_id}/suspend
        """
        return self.call(
            "POST",
            f"/v1/staff/tenants/{_part(tenant_id)}/suspend",
            query={"min_position": min_position},
            body={"reason": reason},
        )

    def restore_tenant(self, tenant_id: str, *, min_position: int = OMIT) -> Any:
        """Let the tenant send again.

        POST /v1/staff/tenants/{tenant_id}/restore
        """
        return self.call(
            "POST",
            f"/v1/staff/tenants/{_part(tenant_id)}/restore",
            query={"min_position": min_position},
        )

    def limit_tenant(
        self,
        tenant_id: str,
        *,
        daily_limit: int | None,
        reason: str,
        min_position: int = OMIT,
    ) -> Any:
        """Bind, change or lift how much of the tenant's mail leaves on a UTC day.

        What is over it waits for the next day. It counts every attempt, of all campaigns together.

        PUT /v1/staff/tenants/{tenant_id}/limit
        """
        return self.call(
            "PUT",
            f"/v1/staff/tenants/{_part(tenant_id)}/limit",
            query={"min_position": min_position},
            body={"daily_limit": daily_limit, "reason": reason},
        )

    def list_staff(self, *, limit: int = OMIT, cursor: str = OMIT, min_position: int = OMIT) -> Any:
        """All staff, also who was removed.

        GET /v1/staff/members
        """
        return self.call(
            "GET",
            "/v1/staff/members",
            query={"limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def add_staff(self, *, name: str, role: str, min_position: int = OMIT) -> Any:
        """Take somebody on. `token` is shown in this answer alone; only its hash is kept.

        POST /v1/staff/members
        """
        return self.call(
            "POST",
            "/v1/staff/members",
            query={"min_position": min_position},
            body={"name": name, "role": role},
        )

    def change_staff(self, staff_id: str, *, role: str, min_position: int = OMIT) -> Any:
        """Another role, from their next request on.

        PATCH /v1/staff/members/{staff_id}
        """
        return self.call(
            "PATCH",
            f"/v1/staff/members/{_part(staff_id)}",
            query={"min_position": min_position},
            body={"role": role},
        )

    def remove_staff(self, staff_id: str, *, min_position: int = OMIT) -> Any:
        """Let somebody go: the next request with their token is refused.

        DELETE /v1/staff/members/{staff_id}
        """
        return self.call(
            "DELETE", f"/v1/staff/members/{_part(staff_id)}", query={"min_position": min_position}
        )

    def renew_staff_token(self, staff_id: str, *, min_position: int = OMIT) -> Any:
        """Another token; the old one ends now.

        POST /v1/staff/members/{staff_id}/token
        """
        return self.call(
            "POST",
            f"/v1/staff/members/{_part(staff_id)}/token",
            query={"min_position": min_position},
        )

    def list_lists(
        self,
        *,
        archived: bool | None = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's lists with the number of their members, the newest first.

        GET /v1/lists
        """
        return self.call(
            "GET",
            "/v1/lists",
            query={
                "archived": archived,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def create_list(
        self,
        *,
        name: str,
        idempotency_key: str = OMIT,
        workspace_id: str = OMIT,
    ) -> Any:
        """Make an empty list.

        POST /v1/lists
        """
        return self.call(
            "POST",
            "/v1/lists",
            body={"name": name, "workspace_id": workspace_id},
            headers={"idempotency-key": idempotency_key},
        )

    def get_list(self, list_id: str, *, min_position: int = OMIT) -> Any:
        """One list; its members are `GET /v1/leads?list_id=…`.

        GET /v1/lists/{list_id}
        """
        return self.call("GET", f"/v1/lists/{_part(list_id)}", query={"min_position": min_position})

    def rename_list(self, list_id: str, *, name: str, idempotency_key: str = OMIT) -> Any:
        """Call the list something else.

        PATCH /v1/lists/{list_id}
        """
        return self.call(
            "PATCH",
            f"/v1/lists/{_part(list_id)}",
            body={"name": name},
            headers={"idempotency-key": idempotency_key},
        )

    def archive_list(self, list_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Offer the list no more and fill it no more; its members stay.

        POST /v1/lists/{list_id}/archive
        """
        return self.call(
            "POST",
            f"/v1/lists/{_part(list_id)}/archive",
            headers={"idempotency-key": idempotency_key},
        )

    def add_leads(self, list_id: str, *, lead_ids: list[Any], idempotency_key: str = OMIT) -> Any:
        """Make leads members; who is one already stays one.

        POST /v1/lists/{list_id}/leads
        """
        return self.call(
            "POST",
            f"/v1/lists/{_part(list_id)}/leads",
            body={"lead_ids": lead_ids},
            headers={"idempotency-key": idempotency_key},
        )

    def remove_leads(
        self,
        list_id: str,
        *,
        lead_ids: list[Any],
        idempotency_key: str = OMIT,
    ) -> Any:
        """Take leads out of the list; they stay in the vault, and in other lists.

        POST /v1/lists/{list_id}/leads/remove
        """
        return self.call(
            "POST",
            f"/v1/lists/{_part(list_id)}/leads/remove",
            body={"lead_ids": lead_ids},
            headers={"idempotency-key": idempotency_key},
        )

    def search_leads(
        self,
        *,
        address: str = OMIT,
        address_prefix: str = OMIT,
        domain: str = OMIT,
        field: list[Any] = OMIT,
        tag: str = OMIT,
        list_id: str = OMIT,
        suppressed: bool | None = OMIT,
        created_after: str = OMIT,
        created_before: str = OMIT,
        sort: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """Leads that meet every filter, in an order, page by page.

        GET /v1/leads
        """
        return self.call(
            "GET",
            "/v1/leads",
            query={
                "address": address,
                "address_prefix": address_prefix,
                "domain": domain,
                "field": field,
                "tag": tag,
                "list_id": list_id,
                "suppressed": suppressed,
                "created_after": created_after,
                "created_before": created_before,
                "sort": sort,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def create_lead(
        self,
        *,
        address: str,
        idempotency_key: str = OMIT,
        fields: Mapping[str, Any] = OMIT,
        tags: list[Any] = OMIT,
        list_id: str = OMIT,
    ) -> Any:
        """Create a lead, and put it into a list if one is named.

        POST /v1/leads
        """
        return self.call(
            "POST",
            "/v1/leads",
            body={"address": address, "fields": fields, "tags": tags, "list_id": list_id},
            headers={"idempotency-key": idempotency_key},
        )

    def get_lead(self, lead_id: str, *, min_position: int = OMIT) -> Any:
        """One lead; its ETag is what a change is checked against.

        GET /v1/leads/{lead_id}
        """
        return self.call("GET", f"/v1/leads/{_part(lead_id)}", query={"min_position": min_position})

    def change_lead(
        self,
        lead_id: str,
        *,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
        fields: Mapping[str, Any] = OMIT,
        tags: list[Any] | None = OMIT,
        add_tags: list[Any] = OMIT,
        remove_tags: list[Any] = OMIT,
    ) -> Any:
        """Change fields and tags; what is left out stays.

        PATCH /v1/leads/{lead_id}
        """
        return self.call(
            "PATCH",
            f"/v1/leads/{_part(lead_id)}",
            body={"fields": fields, "tags": tags, "add_tags": add_tags, "remove_tags": remove_tags},
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def delete_lead(self, lead_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Take a lead out of the vault and every list. To erase a person, see `…/erase`.

        DELETE /v1/leads/{lead_id}
        """
        return self.call(
            "DELETE", f"/v1/leads/{_part(lead_id)}", headers={"idempotency-key": idempotency_key}
        )

    def change_leads(self, *, items: list[Any], idempotency_key: str = OMIT) -> Any:
        """Create, change and delete up to 500 leads; each item has its own result.

        POST /v1/leads/bulk
        """
        return self.call(
            "POST",
            "/v1/leads/bulk",
            body={"items": items},
            headers={"idempotency-key": idempotency_key},
        )

    def list_segments(
        self,
        *,
        archived: bool | None = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's segments, the newest first.

        GET /v1/segments
        """
        return self.call(
            "GET",
            "/v1/segments",
            query={
                "archived": archived,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def create_segment(
        self,
        *,
        name: str,
        filter: Mapping[str, Any],
        idempotency_key: str = OMIT,
        workspace_id: str = OMIT,
    ) -> Any:
        """Save a filter.

        POST /v1/segments
        """
        return self.call(
            "POST",
            "/v1/segments",
            body={"name": name, "filter": filter, "workspace_id": workspace_id},
            headers={"idempotency-key": idempotency_key},
        )

    def get_segment(self, segment_id: str, *, min_position: int = OMIT) -> Any:
        """One segment; its ETag is what a change is checked against.

        GET /v1/segments/{segment_id}
        """
        return self.call(
            "GET", f"/v1/segments/{_part(segment_id)}", query={"min_position": min_position}
        )

    def change_segment(
        self,
        segment_id: str,
        *,
        if_match: str = OMIT,
        idempotency_key: str = OMIT,
        name: str | None = OMIT,
        filter: Mapping[str, Any] | None = OMIT,
    ) -> Any:
        """Change name or filter; lists that were frozen from it stay as they are.

        PATCH /v1/segments/{segment_id}
        """
        return self.call(
            "PATCH",
            f"/v1/segments/{_part(segment_id)}",
            body={"name": name, "filter": filter},
            headers={"if-match": if_match, "idempotency-key": idempotency_key},
        )

    def preview_segment(self, segment_id: str, *, min_position: int = OMIT) -> Any:
        """How many leads are in it now, and the newest of them.

        GET /v1/segments/{segment_id}/preview
        """
        return self.call(
            "GET", f"/v1/segments/{_part(segment_id)}/preview", query={"min_position": min_position}
        )

    def preview_filter(self, *, filter: Mapping[str, Any], min_position: int = OMIT) -> Any:
        """How many leads meet a filter now, and the newest of them; nothing is kept.

        POST /v1/segments/preview
        """
        return self.call(
            "POST",
            "/v1/segments/preview",
            query={"min_position": min_position},
            body={"filter": filter},
        )

    def list_members(
        self,
        segment_id: str,
        *,
        sort: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The leads that are in it now, page by page.

        GET /v1/segments/{segment_id}/leads
        """
        return self.call(
            "GET",
            f"/v1/segments/{_part(segment_id)}/leads",
            query={"sort": sort, "limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def archive_segment(self, segment_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Offer the segment no more.

        POST /v1/segments/{segment_id}/archive
        """
        return self.call(
            "POST",
            f"/v1/segments/{_part(segment_id)}/archive",
            headers={"idempotency-key": idempotency_key},
        )

    def freeze_segment(self, segment_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Make a list of who is in the segment now; it does not follow the segment.

        POST /v1/segments/{segment_id}/freeze
        """
        return self.call(
            "POST",
            f"/v1/segments/{_part(segment_id)}/freeze",
            headers={"idempotency-key": idempotency_key},
        )

    def upload_file(
        self,
        *,
        data: bytes,
        content_type: str,
        list_id: str = OMIT,
        list_name: str = OMIT,
        workspace_id: str = OMIT,
        file_name: str = OMIT,
        sheet: str = OMIT,
        idempotency_key: str = OMIT,
    ) -> Any:
        """Take in a CSV or XLSX file, at most 100 MiB: as the body, or as the part `file` of a form.

        POST /v1/imports
        """
        return self.send(
            "POST",
            "/v1/imports",
            {
                "list_id": list_id,
                "list_name": list_name,
                "workspace_id": workspace_id,
                "file_name": file_name,
                "sheet": sheet,
            },
            data,
            {
                k: v
                for k, v in {
                    "idempotency-key": idempotency_key,
                    "Content-Type": content_type,
                }.items()
                if v is not OMIT
            },
        )

    def list_imports(
        self,
        *,
        list_id: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The tenant's imports, the newest first.

        GET /v1/imports
        """
        return self.call(
            "GET",
            "/v1/imports",
            query={
                "list_id": list_id,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def get_import(self, import_id: str, *, min_position: int = OMIT) -> Any:
        """One import: its counts, and how far it is while it runs.

        GET /v1/imports/{import_id}
        """
        return self.call(
            "GET", f"/v1/imports/{_part(import_id)}", query={"min_position": min_position}
        )

    def preview_import(self, import_id: str, *, idempotency_key: str = OMIT) -> Any:
        """How the file is written, what its columns are taken for, its first rows and bad ones.

        GET /v1/imports/{import_id}/preview
        """
        return self.call(
            "GET",
            f"/v1/imports/{_part(import_id)}/preview",
            headers={"idempotency-key": idempotency_key},
        )

    def map_columns(
        self,
        import_id: str,
        *,
        columns: list[Any],
        idempotency_key: str = OMIT,
    ) -> Any:
        """Say what each column is; the preview that follows from it.

        PUT /v1/imports/{import_id}/mapping
        """
        return self.call(
            "PUT",
            f"/v1/imports/{_part(import_id)}/mapping",
            body={"columns": columns},
            headers={"idempotency-key": idempotency_key},
        )

    def start_import(self, import_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Run it in the background, as a whole or not at all.

        POST /v1/imports/{import_id}/start
        """
        return self.call(
            "POST",
            f"/v1/imports/{_part(import_id)}/start",
            headers={"idempotency-key": idempotency_key},
        )

    def cancel_import(self, import_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Call it off: nothing of it stays.

        POST /v1/imports/{import_id}/cancel
        """
        return self.call(
            "POST",
            f"/v1/imports/{_part(import_id)}/cancel",
            headers={"idempotency-key": idempotency_key},
        )

    def roll_back_import(self, import_id: str, *, idempotency_key: str = OMIT) -> Any:
        """Take back what only this import brought: members, and contacts that no list has then.

        POST /v1/imports/{import_id}/rollback
        """
        return self.call(
            "POST",
            f"/v1/imports/{_part(import_id)}/rollback",
            headers={"idempotency-key": idempotency_key},
        )

    def download_errors(self, import_id: str, *, min_position: int = OMIT) -> Any:
        """The rows that could not be used, as CSV: line, reason, row.

        GET /v1/imports/{import_id}/errors
        """
        return self.call(
            "GET", f"/v1/imports/{_part(import_id)}/errors", query={"min_position": min_position}
        )

    def warmup_board(
        self,
        *,
        ip: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The board: each sending IP and provider with its plan, day, quota, use, rate and breaker.

        `day` counts from the cell's first mail; `used` and `left` are of this UTC day. Not governed
        (plan `none`), an IP has no quota and no rate here: what binds it stands at /v1/sending-ips.

        GET /v1/warmup
        """
        return self.call(
            "GET",
            "/v1/warmup",
            query={"ip": ip, "limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def warmup_series(self, ip: str, provider: str, *, min_position: int = OMIT) -> Any:
        """A cell's UTC days since its first mail, a year at most: the plan at best beside what was.

        `planned` is what the plan comes to when every day earns its step; `quota` what held at the
        day's end; `deferred` and `blocked` count answers about policy or reputation alone.

        GET /v1/warmup/{ip}/{provider}/series
        """
        return self.call(
            "GET",
            f"/v1/warmup/{_part(ip)}/{_part(provider)}/series",
            query={"min_position": min_position},
        )

    def list_volume_decisions(
        self,
        *,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
        scope: str = OMIT,
        id: str = OMIT,
        ip: str = OMIT,
        provider: str = OMIT,
        rule: str = OMIT,
        since: str | None = OMIT,
        until: str | None = OMIT,
    ) -> Any:
        """What was decided about volume, the newest first: each with its rule and the counts behind it.

        Quotas, rates, breakers, phases and asked reviews by the governor; plans and orders by people
        (`rule` is `ordered`, `actor` who). `details` are what only this type says.

        GET /v1/volume/decisions
        """
        return self.call(
            "GET",
            "/v1/volume/decisions",
            query={
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
                "scope": scope,
                "id": id,
                "ip": ip,
                "provider": provider,
                "rule": rule,
                "since": since,
                "until": until,
            },
        )

    def list_volume_orders(
        self,
        *,
        ip: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """What people ordered of volume control, and which plans they chose; the newest first.

        GET /v1/volume/orders
        """
        return self.call(
            "GET",
            "/v1/volume/orders",
            query={"ip": ip, "limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def order_volume(
        self,
        *,
        scope: str,
        action: str,
        reason: str,
        min_position: int = OMIT,
        idempotency_key: str = OMIT,
        scope_id: str = OMIT,
        provider: str = OMIT,
        quota: int = OMIT,
    ) -> Any:
        """Stop or resume a scope, set its quota, or call it warm.

        The platform's staff alone raise a quota above what volume control allows, call something warm,
        end what staff ordered, and end a block of an IP. What holds comes with the agent's next turn.

        POST /v1/volume/orders
        """
        return self.call(
            "POST",
            "/v1/volume/orders",
            query={"min_position": min_position},
            body={
                "scope": scope,
                "scope_id": scope_id,
                "provider": provider,
                "action": action,
                "quota": quota,
                "reason": reason,
            },
            headers={"idempotency-key": idempotency_key},
        )

    def list_reputation(
        self,
        *,
        scope: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """The score of each cell, IP, domain and of the tenant, with what it is made of.

        100 is best. `score` null: too little evidence. What was never scored is not listed.

        GET /v1/reputation
        """
        return self.call(
            "GET",
            "/v1/reputation",
            query={"scope": scope, "limit": limit, "cursor": cursor, "min_position": min_position},
        )

    def reputation_history(
        self,
        scope: str,
        scope_id: str,
        *,
        provider: str = OMIT,
        limit: int = OMIT,
        cursor: str = OMIT,
        min_position: int = OMIT,
    ) -> Any:
        """A scope's scores as they came, the newest first, each with its components.

        GET /v1/reputation/{scope}/{scope_id}/history
        """
        return self.call(
            "GET",
            f"/v1/reputation/{_part(scope)}/{_part(scope_id)}/history",
            query={
                "provider": provider,
                "limit": limit,
                "cursor": cursor,
                "min_position": min_position,
            },
        )

    def whynot_campaign(self, campaign_id: str, *, min_position: int = OMIT) -> Any:
        """What holds the campaign's open sends, and what else does or soon may.

        `binding` is null while something may leave. `others` begin with what binds too; of the rest
        `evidence` tells how much is left. `lifts_at` is null where time alone does not help.

        GET /v1/campaigns/{campaign_id}/whynot
        """
        return self.call(
            "GET",
            f"/v1/campaigns/{_part(campaign_id)}/whynot",
            query={"min_position": min_position},
        )

    def whynot_ip(self, ip: str, *, min_position: int = OMIT) -> Any:
        """What holds mail that may leave from the IP, as of a campaign.

        GET /v1/sending-ips/{ip}/whynot
        """
        return self.call(
            "GET", f"/v1/sending-ips/{_part(ip)}/whynot", query={"min_position": min_position}
        )

    def whynot_send(self, send_id: str, *, min_position: int = OMIT) -> Any:
        """What holds one mail to one lead; of one that has its end, how it ended and by which rule.

        GET /v1/sends/{send_id}/whynot
        """
        return self.call(
            "GET", f"/v1/sends/{_part(send_id)}/whynot", query={"min_position": min_position}
        )
