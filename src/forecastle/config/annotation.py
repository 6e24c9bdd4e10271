"""Whether a value is what an annotation allows, and how people are told."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from forecastle.errors import ConfigError


def check_type(key: str, value: Any, annotation: Any) -> None:
    """Raise ConfigError where `value` is not what a plain annotation (int, str | None, list[float], …) allows.

    Annotations that are no plain types are not judged.

    >>> check_type("horizon", "five", int)
    Traceback (most recent call last):
        ...
    forecastle.errors.ConfigError: horizon must be int, got 'five'
    """
    if not _fits(value, annotation):
        raise ConfigError(f"{key} must be {_words(annotation)}, got {value!r}")


def _fits(value: Any, annotation: Any) -> bool:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return any(_fits(value, option) for option in arguments)
    if origin is Literal:
        return value in arguments
    if origin is not None and isinstance(origin, type):
        if issubclass(origin, Mapping):
            return isinstance(value, Mapping)
        if issubclass(origin, Sequence):
            element = arguments[0] if arguments else Any
            return isinstance(value, (list, tuple)) and all(_fits(each, element) for each in value)
        return True
    if annotation in (None, type(None)):
        return value is None
    if annotation is bool:
        return isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, str) if annotation is str else True


def _words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(option) for option in arguments)
    if origin is Literal:
        return " or ".join(repr(option) for option in arguments)
    if origin is not None:
        return str(annotation).replace("typing.", "").replace("collections.abc.", "")
    return "null" if annotation in (None, type(None)) else getattr(annotation, "__name__", str(annotation))
