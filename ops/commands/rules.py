"""`penguin rules`: what classifies replies, and the replies that no rule knows."""

from __future__ import annotations

from typing import Annotated

import typer

from ops import options

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command()
def unknown(
    data: options.Data = options.DATA,
    limit: Annotated[int, typer.Option(min=1, help="at most so many, most frequent first")] = 50,
    json: options.AsJson = False,
) -> None:
    """List replies whose class no wording and no status code decided, most frequent first.

    Only the wording is kept: addresses, names, numbers, hosts and ids are `~`, `@` or `#`. The
    dispatcher writes it within seconds. Exit 3 without a stack.
    """
    from ops import unknown_replies
    from ops.where import find

    found = unknown_replies.asked(find(options.folder(data)).dsn, limit)
    if json:
        options.print_json({"rules_version": unknown_replies.VERSION, "replies": found})
        return
    for line in unknown_replies.told(found):
        print(line)


@app.command("list")
def list_rules(json: options.AsJson = False) -> None:
    """List the rules in the order of trying, with class and source. Needs no stack."""
    from domain.replies.ruleset import CURRENT

    if json:
        rules = [
            {"rule": one.name, "class": one.reason, "source": one.source, "wordings": one.says}
            for one in CURRENT.rules
        ]
        options.print_json({"rules_version": CURRENT.version, "rules": rules})
        return
    for one in CURRENT.rules:
        print(f"{one.name:<28} {one.reason:<18} {len(one.says):>3} wordings  {one.source}")


@app.command()
def parameters(json: options.AsJson = False) -> None:
    """List the volume governor's numbers with unit and source. Needs no stack.

    With --json the key `set` is what `penguin sim --parameters FILE` takes; a file may name less.
    """
    from domain.governor.parameters import CURRENT
    from domain.governor.parameters_file import described, plain

    told = described(CURRENT)
    if json:
        options.print_json({"governor": CURRENT.version, "parameters": told, "set": plain(CURRENT)})
        return
    for one in told:
        print(f"{one['parameter']:<36} {one['value']!s:>8}  {one['unit']:<44} {one['source']}")
