"""The stand-in's MX hosts: which names and loopback addresses there are, and whose mail they take.

The names end like the real providers' but in `.example` (RFC 2606), so that nothing of a test can
ever reach a real mailbox. All listen on one port, `settings.smtp_port`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MxHost:
    """One server. `preference` as in its MX record; `auth`: it relays for whoever logs in."""

    name: str
    address: str
    provider: str
    preference: int = 10
    starttls: bool = False
    auth: bool = False


MX_HOSTS = (
    MxHost("gmail-smtp-in.l.google.example", "127.0.10.1", "gmail", 5),
    MxHost("alt1.gmail-smtp-in.l.google.example", "127.0.10.6", "gmail", 10),
    MxHost("mx.mail.protection.outlook.example", "127.0.10.2", "outlook"),
    MxHost("mta5.am0.yahoodns.example", "127.0.10.3", "yahoo"),
    MxHost("mta6.am0.yahoodns.example", "127.0.10.7", "yahoo"),
    MxHost("mx01.mail.icloud.example", "127.0.10.4", "icloud", starttls=True),
    MxHost("mx.other.test", "127.0.10.5", "other"),
)
#: Takes mail for any domain from whoever logs in, as a submission server does (RFC 6409).
SUBMISSION = MxHost("smtp.relay.test", "127.0.10.9", "relay", starttls=True, auth=True)
HOSTS = (*MX_HOSTS, SUBMISSION)

#: Consumer domains by provider; every other domain belongs to "other".
DOMAINS = {
    "gmail": ("gmail.com", "googlemail.com"),
    "outlook": ("outlook.com", "hotmail.com", "hotmail.co.uk", "live.com", "msn.com"),
    "yahoo": ("yahoo.com", "yahoo.co.uk", "yahoo.co.jp", "yahoo.de", "ymail.com", "aol.com"),
    "icloud": ("icloud.com", "me.com", "mac.com"),
}
PROVIDER_OF = {domain: provider for provider, names in DOMAINS.items() for domain in names}


def mx_of(domain: str) -> tuple[MxHost, ...]:
    """The MX hosts that take a domain's mail."""
    provider = PROVIDER_OF.get(domain, "other")
    return tuple(host for host in MX_HOSTS if host.provider == provider)
