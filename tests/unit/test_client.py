"""The generated client: complete, compiles, and asks what the API offers."""

from __future__ import annotations

import ast

from api.main import operations
from ops.client.writing import written

DESCRIBED = operations().openapi()
TREE = ast.parse(written(DESCRIBED))


def methods() -> dict[str, ast.FunctionDef]:
    client = next(
        node for node in TREE.body if isinstance(node, ast.ClassDef) and node.name == "Client"
    )
    return {node.name: node for node in client.body if isinstance(node, ast.FunctionDef)}


def test_every_operation_has_one_method_with_a_name_and_words_of_its_own() -> None:
    operations = [
        operation["operationId"]
        for methods in DESCRIBED["paths"].values()
        for operation in methods.values()
    ]

    assert sorted(operations) == sorted(set(operations))
    assert methods().keys() == set(operations)
    assert all(ast.get_docstring(method) for method in methods().values())


def test_what_an_operation_needs_its_method_needs() -> None:
    create = methods()["create_campaign"]
    needed = [
        argument.arg
        for argument, default in zip(create.args.kwonlyargs, create.args.kw_defaults, strict=True)
        if default is None
    ]

    assert needed == ["name"]
    assert [argument.arg for argument in methods()["get_campaign"].args.args] == [
        "self",
        "campaign_id",
    ]
