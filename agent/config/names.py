"""Which settings may stand at a place, and which of them was probably meant."""

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from agent.config.mistake import KeyPath
from agent.i18n import say

_SECRETS = {"password", "passwd", "pass", "passphrase", "pwd", "secret", "token", "key"}
_SECRETS |= {"apikey", "api_key", "credentials"}


def names_at(model: type[BaseModel], where: KeyPath) -> set[str]:
    """The names of the settings in the mapping at `where`, counted from the model."""
    return {name for found in _models(model, where) for name in field_names(found)}


def field_names(model: type[BaseModel]) -> Iterator[str]:
    """As they are written in a file."""
    for name, field in model.model_fields.items():
        yield field.alias or name


def unknown(key: str, names: Iterable[str]) -> str:
    """What to say to a key that is none of the settings there."""
    known = sorted(names)
    if secret := _secret_file(key, known):
        return say(
            "is not a setting: secrets come from files; write `{name}:` with the path of the file",
            name=secret,
        )
    close = get_close_matches(key.lower().replace("-", "_"), known, n=1)
    if close:
        return say("is not a setting; did you mean '{close}'?", close=close[0])
    return say("is not a setting; here you can write: {names}", names=", ".join(known) or "-")


def _secret_file(key: str, names: Sequence[str]) -> str | None:
    """`password` is written, `password_file` is meant."""
    low = key.lower()
    if f"{low}_file" in names:
        return f"{low}_file"
    if low in _SECRETS:
        return next((name for name in names if name == "password_file"), None)
    return None


def _models(annotation: Any, where: KeyPath) -> Iterator[type[BaseModel]]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _in_model(annotation, where)
    elif origin is Annotated:
        yield from _models(inner[0], where)
    elif origin in {Union, types.UnionType}:
        for one in inner:
            yield from _models(one, where)
    elif where and _holds(origin, Mapping):
        yield from _models(inner[1], where[1:])
    elif where and (_holds(origin, Sequence) or _holds(origin, AbstractSet)):
        yield from _models(inner[0], where[1:])


def _in_model(model: type[BaseModel], where: KeyPath) -> Iterator[type[BaseModel]]:
    if not where:
        yield model
        return
    for name, field in model.model_fields.items():
        if (field.alias or name) == where[0]:
            yield from _models(field.annotation, where[1:])


def _holds(origin: Any, kind: type) -> bool:
    return isinstance(origin, type) and issubclass(origin, kind)
