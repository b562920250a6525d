"""The readers of bodies that dispatch a run. A wrong body is also checked against the template."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from rundun.actions.runs import repeats, runs
from rundun.core.request_bodies import DispatchBody, RepeatBody
from rundun.core.validation import StrictModel, read, sort_errors
from rundun.errors import FieldError, Invalid
from rundun.web.http.turns import Reads

B = TypeVar("B", bound=StrictModel)


async def read_dispatch_body(reads: Reads, org_id: str, data: Any) -> DispatchBody:
    """Return JSON data as a `DispatchBody`, whose job is not checked against the template. Raises `Invalid` if its form
    is wrong, with all errors at once, including those that only the template reveals, so that one correction is enough.
    """

    async def find_errors(body: DispatchBody) -> Iterable[FieldError]:
        return await reads.read(runs.list_job_errors, org_id, body.order()[0])

    return await _read_body(DispatchBody, data, find_errors, "template_id")


async def read_repeat_body(reads: Reads, org_id: str, run_id: str, data: Any) -> RepeatBody:
    """Return JSON data as a `RepeatBody`, not checked against the run. If its form is wrong, raises `Invalid`, also
    with all other errors of that repeat, or NotFound, `run_erased` or `template_archived`.
    """

    async def find_errors(body: RepeatBody) -> Iterable[FieldError]:
        return await reads.read(repeats.list_errors, org_id, run_id, body.changes())

    return await _read_body(RepeatBody, data, find_errors)


async def _read_body(
    model: type[B], data: Any, find_errors: Callable[[B], Awaitable[Iterable[FieldError]]], required: str = ""
) -> B:
    """Return data as a `model`, without a call of `find_errors`, if its form is valid. Else raise `Invalid` with the
    errors of its form and those that `find_errors` reports for the valid fields. The latter are left out if the data is
    no object or the field `required` is not valid.
    """
    try:
        return read(model, data)
    except Invalid as invalid:
        wrong = {error.pointer.split("/")[1] for error in invalid.errors if error.pointer}
        if not isinstance(data, dict) or required in wrong:
            raise
        readable = {name: data[name] for name in model.model_fields if name in data and name not in wrong}
        more = await find_errors(read(model, readable))
        more = tuple(error for error in more if error.pointer.split("/")[1] not in wrong)
        raise Invalid(sort_errors([*invalid.errors, *more], data)) from None
