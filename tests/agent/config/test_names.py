"""Which settings may stand where, through all that annotations can say."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Optional

import pytest
from pydantic import BaseModel, Field

from agent.config.mistake import KeyPath, dotted
from agent.config.names import names_at, unknown


class Leaf(BaseModel):
    colour: str = ""


class Fruit(BaseModel):
    taste: str = Field("", alias="flavour")


class Tree(BaseModel):
    plain: Leaf
    maybe: Leaf | None
    old: Optional[Leaf]  # noqa: UP045  drivers of others may still write it so
    either: Leaf | Fruit
    listed: list[Annotated[Leaf, Field()]]
    named: Mapping[str, Leaf]
    deep: dict[str, Sequence[Leaf | None]]
    number: int


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (("plain",), {"colour"}),
        (("maybe",), {"colour"}),
        (("old",), {"colour"}),
        (("either",), {"colour", "flavour"}),
        (("listed", 3), {"colour"}),
        (("named", "x"), {"colour"}),
        (("deep", "x", 0), {"colour"}),
        (("number",), set()),
        (("listed",), set()),
        (("nothing", "at", "all"), set()),
    ],
)
def test_names_are_found_through_every_kind_of_annotation(where: KeyPath, names: set[str]) -> None:
    assert names_at(Tree, where) == names
    assert {"plain", "number"} <= names_at(Tree, ())


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("password", "write `password_file:` with the path of the file"),
        ("Passwd", "write `password_file:` with the path of the file"),
        ("token", "write `password_file:` with the path of the file"),
        ("ca", "write `ca_file:` with the path of the file"),
        ("client-id", "did you mean 'client_id'?"),
        ("zzz", "here you can write: ca_file, client_id, password_file"),
    ],
)
def test_what_was_probably_meant_is_said(key: str, said: str) -> None:
    assert unknown(key, ["password_file", "ca_file", "client_id"]).endswith(said)


def test_a_token_is_no_setting_where_no_secrets_are() -> None:
    assert unknown("token", ["baud", "parity"]) == (
        "is not a setting; here you can write: baud, parity"
    )
    assert unknown("token", []) == "is not a setting; here you can write: -"


def test_a_key_that_may_be_an_address_with_a_password_is_not_repeated() -> None:
    assert dotted(("uplinks", 0, "mqtt://gate:hunter2@host")) == "uplinks[0].…"
    assert dotted(("gateway", "名称")) == "gateway.名称"
