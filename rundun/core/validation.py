"""Strict pydantic models, and their errors, all at once, with JSON pointers."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError, core_schema

from rundun.core import text
from rundun.core.languages import TAG
from rundun.errors import FieldError, FieldErrorCode, Invalid, Problem, Where

MAX_NAME = 100
MAX_UNKNOWN = 100  # unknown members of an object that are told
M = TypeVar("M", bound=BaseModel)


class StrictModel(BaseModel):
    """A JSON object without unknown fields, whose values have exactly the declared types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_most_unknown(cls, data: Any) -> Any:
        known = cls.__pydantic_fields__
        if not isinstance(data, dict) or len(data) <= len(known) + MAX_UNKNOWN:
            return data
        unknown = islice((name for name in data if name not in known), MAX_UNKNOWN)
        return {name: data[name] for name in (*(known.keys() & data), *unknown)}


@dataclass(slots=True)
class ErrorLimit:
    """A context for pydantic's validation: `COUNTED` values that come after `left` errors are not looked at. Pydantic
    finds and lists all errors in two calls, which hold the interpreter for long if there are many.
    """

    left: int

    def validate(self, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        """Return `validate(value)` and count its errors; the value as it is if none is left."""
        before = self.left
        if before <= 0:
            return value
        try:
            return validate(value)
        except ValidationError as error:
            self.left = min(self.left, before - error.error_count())
            raise


def _count_errors(value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    limit: ErrorLimit | None = info.context
    return validate(value) if limit is None else limit.validate(value, validate)


COUNTED = WrapValidator(_count_errors)


def invalid_value(code: FieldErrorCode, detail: str) -> PydanticCustomError:
    """Return an error with a stable code and a sentence, for a pydantic validator to raise."""
    return PydanticCustomError("rundun", "{detail}", {"code": code, "detail": detail})


def clean_field(value: str) -> str:
    """Return a text cleaned by `text.clean`, or raise `invalid_value`; a pydantic validator."""
    try:
        return text.clean(value)
    except ValueError as error:
        raise invalid_value("bad_format", str(error)) from None


def clean_input(typed: str) -> str:
    """Return a text typed into a form or a terminal, cleaned by `text.clean`; raise `invalid`."""
    try:
        return text.clean(typed)
    except ValueError as error:
        raise Problem("invalid", f"The text {error}.") from None


@dataclass(frozen=True, slots=True, eq=False)
class Constraint:
    """A rule beyond the type, for `Annotated[type, …]`: the function `check` returns the value to store or raises
    `invalid_value`; `keywords` are the same rule as JSON Schema, so that the document equals the check.
    """

    check: Callable[[Any], Any]
    keywords: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Return a schema that runs `check` after the type's own validation."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the type's own JSON Schema with `keywords` added."""
        return {**handler(schema), **self.keywords}


class ParsedFrom(Constraint):
    """A `Constraint` that runs before the type's own validation; its keywords are the whole JSON Schema."""

    __slots__ = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Return a schema that runs `check` before the type's own validation."""
        return core_schema.no_info_before_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return `keywords` as the whole JSON Schema."""
        return dict(self.keywords)


def Text(maximum: int, minimum: int = 1) -> Constraint:
    """Return a constraint for `Annotated[str, …]`: NFC, trimmed, `minimum` to `maximum` code points, no U+0000."""

    def check(value: str) -> str:
        value = text.trim(value)
        # NFC joins four code points to one at most, a Greek vowel with three marks: a longer text stays too long.
        if len(value) <= 4 * maximum:
            value = clean_field(value)
        if "\0" in value:
            raise invalid_value("bad_format", "must not hold the character U+0000")
        if len(value) < minimum:
            raise invalid_value(
                "too_short", "must not be empty" if minimum == 1 else f"needs at least {minimum} characters"
            )
        if len(value) > maximum:
            raise invalid_value("too_long", f"has {len(value)} characters, {maximum} are allowed")
        return value

    return Constraint(check, {"minLength": minimum, "maxLength": maximum} if minimum else {"maxLength": maximum})


def Matching(pattern: str, detail: str) -> Constraint:
    """Return a constraint for `Annotated[str, …]`: the whole string matches `pattern`, which must mean the same in
    JavaScript; `detail` is the error's sentence.
    """
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise invalid_value("bad_format", detail)
        return value

    return Constraint(check, {"pattern": f"^(?:{pattern})$"})


def Integer(minimum: int, maximum: int) -> ParsedFrom:
    """Return a constraint for `Annotated[int, …]`: a whole JSON number from `minimum` to `maximum`; 4.0 is one."""

    def check(value: Any) -> int:
        number = text.integer(value)
        if number is None:
            raise invalid_value("wrong_type", "must be a whole number")
        if not minimum <= number <= maximum:
            raise invalid_value("out_of_range", f"must be from {minimum} to {maximum}")
        return number

    return ParsedFrom(check, {"type": "integer", "minimum": minimum, "maximum": maximum})


def number(value: Any) -> int | float:
    """Return a JSON number, a whole one as int; raise `invalid_value` for any other value; a pydantic validator."""
    as_number = text.number(value)
    if as_number is None:
        raise invalid_value("wrong_type", "must be a finite number of at most 2^53−1")
    return as_number


Number = Annotated[
    int | float, ParsedFrom(number, {"type": "number", "minimum": -text.MAX_NUMBER, "maximum": text.MAX_NUMBER})
]
EMAIL = Matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", "must be an e-mail address")
# At least three digits. Each can be matched in one way only, so that the time grows linearly with the length.
_SOFT = "[ ()./-]*"
PHONE = Matching(rf"\+?{_SOFT}[0-9]{_SOFT}[0-9]{_SOFT}[0-9][0-9 ()./-]*", "must be a phone number")
LanguageTag = Annotated[str, Matching(TAG.pattern, "must be a BCP 47 language tag such as “en” or “pt-BR”")]

_CODES: dict[str, FieldErrorCode] = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "union_tag_not_found": "required",
    "union_tag_invalid": "not_allowed",
    "literal_error": "not_allowed",
    "too_long": "too_long",
    "too_short": "too_short",
}
_SENTENCES = {
    "missing": "is required",
    "union_tag_not_found": "is required",
    "extra_forbidden": "is not a known field",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def pointer(parts: Sequence[str | int]) -> str:
    """Return the RFC 6901 pointer of names and indexes. Long names are cut: each error below one would repeat it."""
    return "".join("/" + _cut_name(str(part)).replace("~", "~0").replace("/", "~1") for part in parts)


def _cut_name(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def _read_error(
    error: ErrorDetails, prefix: str, untagged: Callable[[Sequence[str | int]], list[str | int]]
) -> FieldError:
    kind, loc, context = error["type"], untagged(error["loc"]), error.get("ctx", {})
    if kind == "rundun":
        return FieldError(prefix + pointer(loc), context["code"], context["detail"])
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        loc = [*loc, "type"]
    detail = _SENTENCES.get(kind)
    if kind in ("literal_error", "union_tag_invalid"):
        detail = f"must be one of {context.get('expected') or context.get('expected_tags')}"
    if kind in ("too_long", "too_short"):
        fewest = context.get("min_length")
        detail = f"must have at least {fewest}" if kind == "too_short" else f"must have at most {context['max_length']}"
    return FieldError(prefix + pointer(loc), _CODES.get(kind, "wrong_type"), detail or error["msg"])


def field_errors(
    error: ValidationError,
    prefix: str = "",
    untagged: Callable[[Sequence[str | int]], list[str | int]] = list,
    limit: int = 100,
) -> list[FieldError]:
    """Return at most `limit` of pydantic's errors as field errors, their pointers after `prefix`; `untagged` removes
    the names of union members from a location.
    """
    details = error.errors(include_url=False, include_input=False)
    return [_read_error(detail, prefix, untagged) for detail in details[:limit]]


def sort_errors(errors: Iterable[FieldError], data: Any) -> list[FieldError]:
    """Return errors sorted by their place in `data`; an error of a missing member follows its siblings'."""
    rank: dict[int, dict[str, int]] = {}  # the position of each name in an object, by the object's identity

    def path(error: FieldError) -> list[int]:
        indexes, here = [], data
        for part in error.pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict):
                names = rank.get(id(here)) or {key: index for index, key in enumerate(here)}
                rank[id(here)] = names
                indexes.append(names.get(name, len(here)))
                here = here.get(name)
            else:
                indexes.append(int(name) if name.isdecimal() else 0)
                here = here[indexes[-1]] if isinstance(here, list) and indexes[-1] < len(here) else None
        return indexes

    return sorted(errors, key=path)


def read(model: type[M], data: Any, where: Where = "body") -> M:
    """Return JSON data as an instance of `model`; raise `Invalid` with up to 100 wrong fields of document `where`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = field_errors(error)
        raise Invalid(replace(wrong, where=where) for wrong in found) from None
