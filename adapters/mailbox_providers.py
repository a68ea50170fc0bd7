"""Who runs a mail server, told by the name in its MX record.

Sources: the providers' own set-up pages (support.google.com/a/answer/174125, learn.microsoft.com
"external DNS records for Microsoft 365", proton.me "custom domain", zoho.com "MX records") and the
MX records of their consumer domains. The `.example` names are those of the stand-in (ops/sink).
"""

from __future__ import annotations

OTHER = "other"

#: Provider → suffixes of MX host names, whole labels.
SUFFIXES = {
    "gmail": ("google.com", "googlemail.com", "smtp.goog", "google.example"),
    "outlook": ("outlook.com", "outlook.de", "mx.microsoft", "outlook.example"),
    "yahoo": ("yahoodns.net", "yahoodns.example"),  # AOL too
    "icloud": ("icloud.com", "icloud.example"),
    "proton": ("protonmail.ch",),
    "gmx": ("gmx.net", "web.de"),
    "zoho": ("zoho.com", "zoho.eu", "zoho.in"),
}
_PROVIDER_OF = {suffix: provider for provider, names in SUFFIXES.items() for suffix in names}


def provider_of(mx_host: str) -> str:
    """The provider that runs this server, or `other`."""
    labels = mx_host.rstrip(".").lower().split(".")
    suffixes = (".".join(labels[at:]) for at in range(len(labels)))
    return next((_PROVIDER_OF[name] for name in suffixes if name in _PROVIDER_OF), OTHER)
