"""Kafka's jars: those of kafka-jars.lock, from Maven Central or the user's own mirror of it.

Downloaded once into the user's cache through `jgo`, each checked against its SHA-256.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from ops.errors import Missing

LOCK = Path(__file__).with_name("kafka-jars.lock")
ATTEMPTS = 3
DOWNLOADS_AT_ONCE = 8
TIMEOUT_S = 60
CURE = (
    "let Maven Central be reached, or name a mirror in ~/.m2/settings.xml,"
    " or set PM_KAFKA_BOOTSTRAP and PM_DATABASE_URL to servers of your own"
)


def cache_folder() -> Path:
    """Where downloads and JVM archives are kept, shared by all stacks of this user."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "penguinmails"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def are_here(cache: Path) -> bool:
    """Whether nothing has to be downloaded."""
    return _verified(cache).exists()


def kafka_jars(cache: Path) -> list[Path]:
    """The locked jars, downloaded where missing. Raises Missing. Hashed once, then trusted."""
    try:
        context = _maven(cache)
    except ImportError as error:
        raise Missing(
            f"no resolver of Kafka's jars: pip install '.[embedded]', or {CURE}"
        ) from error
    lines = [line for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    trusted = _verified(cache).exists()
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        jars = list(pool.map(lambda line: _fetch(context, line, trusted=trusted), lines))
    _verified(cache).touch()
    return jars


def _verified(cache: Path) -> Path:
    return cache / f"jars-verified-{_sha256(LOCK)[:16]}"


def _fetch(context: Any, line: str, *, trusted: bool) -> Path:
    coordinate, expected = line.split()
    group, name, version = coordinate.split(":")
    jar = context.project(group, name).at_version(version).artifact()
    problem = ""
    for attempt in range(ATTEMPTS):
        try:
            path = Path(jar.resolve())
            if trusted or _sha256(path) == expected:
                return path
            problem = f"its SHA-256 is not that of {LOCK.name}"
            jar.cached_path.unlink(missing_ok=True)  # cut short by a crash, or not the file we know
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
            problem = " ".join(str(error).split())
            time.sleep(attempt)
    raise Missing(f"cannot get {coordinate} ({problem}): {CURE}")


def _maven(cache: Path) -> Any:
    """A resolver over Maven Central, or the mirror that Maven's or jgo's own settings name."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL, default_maven_repo
    from jgo.maven import MavenContext

    trusted = ssl.get_default_verify_paths()  # the system's certificates, a company's own included
    os.environ.setdefault("REQUESTS_CA_BUNDLE", trusted.cafile or trusted.capath or "")
    repositories = dict(GlobalSettings.load().repositories) | _mirror()
    repositories["central"] = MAVEN_CENTRAL_URL
    return MavenContext(
        repo_cache=cache / "m2",
        local_repos=[default_maven_repo()],
        remote_repos=repositories,
        timeout=TIMEOUT_S,
    )


def _mirror() -> dict[str, str]:
    settings = Path.home() / ".m2" / "settings.xml"
    if not settings.exists():
        return {}
    for mirror in ET.parse(settings).findall(".//{*}mirror"):  # noqa: S314 - the user's own
        if (mirror.findtext("{*}mirrorOf") or "").strip() in ("*", "external:*", "central"):
            return {"mirror": (mirror.findtext("{*}url") or "").strip().rstrip("/")}
    return {}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
