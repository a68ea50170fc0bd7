"""Every setting, read once from the environment (prefix `PM_`) by a composition root.

The command line sets these for the processes it starts; nobody else reads the environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SIGNING_PROCESSES_MAX = 4  # sign more than a dispatcher can render and send


def signing_processes() -> int:
    """A signing process per core; with a single core they would only take turns with us."""
    cores = len(os.sched_getaffinity(0))
    return min(cores, SIGNING_PROCESSES_MAX) if cores > 1 else 0


class Settings(BaseSettings):
    """Units are in the names; each default suits the embedded stack."""

    model_config = SettingsConfigDict(
        env_prefix="PM_", frozen=True, extra="ignore", populate_by_name=True
    )

    data_dir: Path = Path(".penguin")
    kafka_bootstrap: str = ""
    database_url: str = Field(
        default="", validation_alias=AliasChoices("PM_DATABASE_URL", "DATABASE_URL")
    )
    tenant_setting: str = "app.tenant_id"  # of a transaction; `nile.tenant_id` on a Nile database
    prefix: str = ""  # before every topic and group name, so that stacks share a broker
    stack_id: str = ""  # which stack this is; empty: as its data folder says (stack_identity.py)
    stream_runtime: Literal["faust", "plain"] = "faust"  # what agents run on (ADR 0012)
    instance: str = "1"  # of a role; makes consumer_group_instance_id

    id_key: str = (
        "penguinmails"  # keys derived ids, tokens and return paths; the stack makes its own
    )
    secret_key: str = Field(default="", repr=False)  # seals secrets at rest: adapters/sealing.py
    secret_key_file: Path | None = None  # lines id:key, the newest last; wins over secret_key
    replication_factor: int = 1
    dns_server: str = ""  # host:port; empty: the system's resolver
    smtp_port: int = 25  # of MX hosts
    bounce_host: str = "bounces.penguinmails.invalid"  # takes bounces: MX of bounce.<domain>
    hello_name: str = "mail.penguinmails.invalid"
    tracking_url: str = "https://click.penguinmails.invalid"
    dnsbl_zones: str = ""  # blocklists to watch, with commas; `all`; ZONE=TIER; empty: none
    spamhaus_dqs_key: str = Field(default="", repr=False)  # in the names that Spamhaus is asked
    address_names: bool = True  # whether names of sending IPs' addresses are looked at
    postmaster_account_file: Path | None = None  # Google's JSON key of a service account
    postmaster_user: str = ""  # on whose behalf it asks, where it was given that right
    postmaster_url: str = "https://gmailpostmastertools.googleapis.com"
    snds_key: str = Field(default="", repr=False)  # of SNDS, automated data access
    snds_url: str = "https://sendersupport.olc.protection.outlook.com/snds/data.aspx"

    public_url: str = ""  # where people reach the API; empty: http:// and the API's host and port
    system_from: str = "accounts@penguinmails.example"  # of our own mail, on a domain of ours

    api_host: str = "127.0.0.1"
    api_port: int = 0
    api_token: str = ""  # the operator's; empty: nobody may ask the API about tenants
    api_rate_per_min: int = 300  # requests of one key or person; 0: as many as they like
    api_burst: int = 500  # at once, after a pause
    api_in_flight_max: int = 64  # requests worked on at once, per process
    api_processes: int = Field(default=1, ge=1, le=64)  # that share the port
    api_origins: str = ""  # other sites whose pages may ask (CORS), with commas; empty: none
    inbox_host: str = "127.0.0.1"
    inbox_port: int = 0
    sink_latency_ms: float = 0.0  # the mailbox stand-in answers each batch so late (benches)

    lease_s: float = 15.0
    slice_deadline_s: float = 60.0
    sweep_every_s: float = 2.0
    hear_every_s: float = 10.0  # between looks whether signals settle what is ambiguous
    ambiguous_resend: bool = True  # an ambiguous transactional send may be tried once more
    release_every_s: float = 0.05
    stall_look_every_s: float = 10.0  # between looks at every reader of the log (supervisor)
    stalled_after_s: float = 60.0  # a reader with records before it that does not move so long
    retry_scale: float = 1.0  # multiplies SMTP retry delays; the embedded stack runs at 1/300
    lane_depth_sends: int = 4000  # released and unclaimed, per lane
    lane_connections: int = 8  # per (sending IP, next hop)
    connection_messages_max: int = 200
    connection_age_max_s: float = 300.0
    freshness_max_s: float = 10.0
    smtp_timeout_s: float = 60.0  # each phase before the dot
    dot_timeout_s: float = 40.0  # for the reply to the final dot; the slice's deadline bounds both
    signing_processes: int = Field(default_factory=signing_processes, ge=0)  # of a dispatcher
    log_level: str = "info"
