"""The `penguin` command: finds the asked command in a table and imports only its module.

Exit codes: 0 done or holds, 1 what was checked does not hold, 2 wrong usage, 3 something that it
needs is not there. Results go to stdout, progress and logs to stderr.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ops.errors import Expected, Usage, as_expected

if TYPE_CHECKING:
    import typer

# name → what it does. Each lives in ops/commands/<name>.py (a dash: _) as `app`.
COMMANDS = {
    "demo": "the main job on shipped leads: stack, campaign, progress, proof",
    "up": "start the stack; return when all of it is ready",
    "down": "drain and stop the stack",
    "status": "what runs, with pids and restarts",
    "doctor": "what is wrong, and the cure",
    "run": "run one role in the foreground (what the supervisor and containers start)",
    "send": "a CSV and a template become a campaign",
    "campaign": "pause, resume, cancel or watch a campaign",
    "whynot": "why a campaign, a sending IP or a send does not send, and when it will",
    "verify": "prove from the log alone that every requested send has exactly one end",
    "ambiguous": "sends of which nobody knows whether they arrived; settle them by evidence",
    "authority": "which stack may send; take that over after a restore",
    "classify": "what SMTP replies mean: JSON lines in, JSON lines out",
    "rules": "replies that no rule knows, for who writes rules",
    "whatif": "recorded history through another governor; the decisions that differ",
    "volume": "volume control's states as the log tells them; fold them anew",
    "restore": "give a restored Postgres the decisions back that the log has",
    "events": "the log as lines",
    "chaos": "harm a running test stack by plan; prove nothing lost, nothing sent twice",
    "projections": "position and age of read models; rebuild one",
    "warmup": "how a sending IP warms up: choose its plan; order what volume control shall do",
    "tenants": "list or show tenants; suspend, restore or move one",
    "users": "invite, disable, enable or list the people of a tenant",
    "keys": "create, list or revoke API keys; create makes the tenant if it is new",
    "staff": "add, list or remove people of the platform",
    "seed": "tenants, leads and finished campaigns by the thousand, for benches and trials",
    "sim": "simulated receivers under the governor, an oracle or others, compared",
    "export-tenant": "a tenant's whole data as one file",
    "import-tenant": "such a file into this installation; nothing is sent",
    "secrets": "which keys seal secrets at rest; a new key; all of it under the newest",
    "client": "write or check the API's Python client in examples/client",
    "catalog": "write or check what is generated from the event registry",
}
HELP = frozenset({"--help", "-h", "help"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _dispatch(given)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the reader of our output had enough
        sys.stderr.close()
        code = 0
    except Exception as error:  # noqa: BLE001 - tells the expected ones, raises the others again
        code = _tell(error)
    sys.exit(code)


def _dispatch(given: list[str]) -> int:
    if not given or given[0] in HELP:
        print(usage())
        return 0 if given else Usage.exit_code
    if given[0] == "--version":
        print(_version())
        return 0
    return _run(given[0], given[1:])


def _run(name: str, rest: list[str]) -> int:
    if name not in COMMANDS:
        raise Usage(f"there is no command {name!r}; `penguin --help` lists them")
    import logging

    from typer.main import get_command

    if name != "run":  # a role logs; a command says what matters in its own line
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app: typer.Typer = importlib.import_module(f"ops.commands.{name.replace('-', '_')}").app
    answer = get_command(app).main(rest, prog_name=f"penguin {name}", standalone_mode=False)
    return answer if isinstance(answer, int) else 0


def _tell(error: Exception) -> int:
    """One line on stderr for what is expected; a bug goes on as the exception that it is."""
    import typer

    if isinstance(error, typer.TyperException):
        print(f"penguin: {error.format_message()}", file=sys.stderr)
        return error.exit_code
    expected: Expected | None = as_expected(error)
    if expected is None:
        raise error
    print("penguin:", " ".join(str(expected).split()), file=sys.stderr)
    return expected.exit_code


def usage() -> str:
    """The list of commands. Imports none of them."""
    lines = [f"  {name:<14} {told}" for name, told in COMMANDS.items()]
    head = ["usage: penguin COMMAND [OPTIONS]    (penguin COMMAND --help for its options)", ""]
    codes = "exit codes: 0 done or holds, 1 does not hold, 2 wrong usage, 3 something is missing"
    return "\n".join([*head, *lines, "", codes])


def _version() -> str:
    from importlib.metadata import version

    return f"penguinmails {version('penguinmails')}"


if __name__ == "__main__":
    main()
