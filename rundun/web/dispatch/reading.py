"""Reading the bodies that dispatch a run, whose job is judged by the template that it names."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from rundun.actions.runs import repeats, runs
from rundun.core.request_bodies import DispatchBody, RepeatBody
from rundun.core.validation import StrictModel, read, sort_errors
from rundun.errors import FieldError, Invalid
from rundun.web.http.turns import Reads

B = TypeVar("B", bound=StrictModel)


async def read_dispatch_body(reads: Reads, org_id: str, data: Any) -> DispatchBody:
    """Read JSON data as a dispatch. Raises `Invalid` with every wrong place, those that only the template knows of too:
    the dispatch itself would find these alone, and somebody would send it twice to learn of all.
    """

    async def others(body: DispatchBody) -> Iterable[FieldError]:
        return await reads.read(runs.job_errors, org_id, body.order()[0])

    return await _read(DispatchBody, data, others, "template_id")


async def read_repeat_body(reads: Reads, org_id: str, run_id: str, data: Any) -> RepeatBody:
    """Read JSON data as what changes of a run that is repeated; raises as `read_dispatch_body`, and as
    `repeats.errors`.
    """

    async def others(body: RepeatBody) -> Iterable[FieldError]:
        return await reads.read(repeats.errors, org_id, run_id, body.changes())

    return await _read(RepeatBody, data, others)


async def _read(
    model: type[B], data: Any, others: Callable[[B], Awaitable[Iterable[FieldError]]], must_be_right: str = ""
) -> B:
    """Read data; what is wrong beside its form is asked of what can be read of it, if `must_be_right` can be."""
    try:
        return read(model, data)
    except Invalid as invalid:
        wrong = {error.pointer.split("/")[1] for error in invalid.errors if error.pointer}
        if not isinstance(data, dict) or must_be_right in wrong:
            raise
        readable = {name: data[name] for name in model.model_fields if name in data and name not in wrong}
        more = await others(read(model, readable))
        more = tuple(error for error in more if error.pointer.split("/")[1] not in wrong)
        raise Invalid(sort_errors([*invalid.errors, *more], data)) from None
