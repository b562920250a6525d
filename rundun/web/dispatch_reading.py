"""Reading the body of a dispatch, whose job is judged by the template that it names."""

from typing import Any

from rundun.actions import runs
from rundun.core.validation import in_order, read
from rundun.errors import Invalid
from rundun.web.request_bodies import DispatchBody
from rundun.web.run_archive import Reads


async def read_dispatch_body(reads: Reads, org_id: str, data: Any) -> DispatchBody:
    """Read JSON data as a dispatch. Raises `Invalid` with every wrong place, those that only the template knows of too:
    the dispatch itself would find these alone, and somebody would send it twice to learn of all.
    """
    try:
        return read(DispatchBody, data)
    except Invalid as invalid:
        wrong = {error.pointer.split("/")[1] for error in invalid.errors if error.pointer}
        if not isinstance(data, dict) or "template_id" in wrong:
            raise
        readable = {name: data[name] for name in DispatchBody.model_fields if name in data and name not in wrong}
        order, _ = read(DispatchBody, readable).order()
        more = await reads.read(runs.job_errors, org_id, order)
        more = tuple(error for error in more if error.pointer.split("/")[1] not in wrong)
        raise Invalid(in_order([*invalid.errors, *more], data)) from None
