"""The executor's uploads: photos, signatures, pictures of barcodes: /r. Bodies are read before any transaction."""

import asyncio
import hashlib
import io
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rundun.actions.runs import execution, photos
from rundun.actions.runs.photos import PhotoRef
from rundun.actions.runs.state import RunState
from rundun.core.json_types.base import BarcodeFormat
from rundun.core.json_types.execution import DecodedJson, PhotoStoredJson, SignatureStoredJson, WrittenJson
from rundun.core.picture import Derivatives
from rundun.core.runs import record
from rundun.core.runs.evidence import Photo, Signature
from rundun.core.templates.steps import BarcodeStep
from rundun.core.validation import read
from rundun.errors import FieldError, Invalid, Problem
from rundun.store import files
from rundun.store.database import Database
from rundun.store.files import PhotoFiles, PhotoMetadata, Piece, StoredFile
from rundun.store.runs import runs as run_rows
from rundun.store.worker import MAX_BATCH
from rundun.web.context import Context, context_of
from rundun.web.executor import endpoint
from rundun.web.executor.bodies import GeoBody, PhotoBody
from rundun.web.executor.device import device_of
from rundun.web.executor.endpoint import executor_router
from rundun.web.executor.state import step_written
from rundun.web.http.known_runs import KnownRuns
from rundun.web.http.operation import PICTURE, PNG, Bytes, Success
from rundun.web.http.problems import Json
from rundun.web.http.query_params import PhotoQuery, SignatureQuery, query
from rundun.web.http.upload_buffer import BufferedUpload
from rundun.web.origin import require_same_site

router = executor_router()

T = TypeVar("T")
SIGNATURE_BYTES = 2 * 1024 * 1024
_PHOTO = Bytes(
    PICTURE,
    "The picture's bytes as they are, at most 15 MiB and 50 megapixels, of a baseline JPEG 110, unless set otherwise.",
)
_PNG = Bytes(PNG, "A PNG of at most 2 MiB.")
_UNREADABLE = ("digest_mismatch", "unreadable_image")
_OPEN = ("run_closed", "not_started")
_RECEIPT = {
    201: Success("It is stored.", SignatureStoredJson),
    200: Success("This picture was stored before.", SignatureStoredJson),
}


def _target(request: Request, *, is_remark: bool = False) -> PhotoRef:
    """Return the `PhotoRef` of the path, the ids of run, step and photo; raises `Invalid` for a malformed id of the
    photo, the only one that it checks.
    """
    path = request.path_params
    photo_id = read(PhotoBody, {"photo_id": path["photo_id"]}, "path").photo_id
    return PhotoRef(path["run_id"], path["step_id"], photo_id, is_remark)


def _metadata(target: PhotoRef, params: PhotoQuery) -> PhotoMetadata:
    """Return the metadata in an upload's query; raise `Invalid` for a half position or a photo drawn on itself."""
    geo = params.model_dump(include=set(GeoBody.model_fields), exclude_none=True)
    position = read(GeoBody, geo, "query").position() if geo else None
    if params.annotated_from == target.photo_id:
        raise Invalid([FieldError("/annotated_from", "not_allowed", "names this very photo", "query")])
    return PhotoMetadata(
        params.source, params.taken_at, params.taken_at_from, position, params.slot, params.annotated_from
    )


@router.route(
    "PUT /steps/{step_id}/photos/{photo_id}",
    {201: Success("It is stored.", PhotoStoredJson), 200: Success("These bytes were stored before.", PhotoStoredJson)},
    query=PhotoQuery,
    together=("geo", GeoBody),
    headers=("Content-Digest",),
    body=_PHOTO,
    problems=(*_OPEN, *_UNREADABLE, "photo_conflict", "photo_deleted", "too_many_photos"),
)
async def put_photo(request: Request) -> Response:
    """Upload a photo.

    The raw bytes under an id that the phone makes. When the receipt is sent, the photo is on the disk. The same bytes
    again get the same receipt, unless the photo was deleted meanwhile.
    """
    require_same_site(request)
    ctx = context_of(request)
    database = ctx.database
    params, device = query(PhotoQuery, request), device_of(request)
    target = _target(request, is_remark=params.remark is not None)
    metadata = _metadata(target, params)
    org_id = await database.read(photos.require_photo_step, target, metadata.slot, device)
    async with ctx.upload_buffer.receive(request, org_id, ctx.settings.limits.photo_bytes) as body:
        stored = await database.write(photos.find_stored_photo, target, body.sha256, metadata)
        if stored is not None:
            return Json(_photo_stored(stored, ctx))
        derived = await ctx.imaging.derive(body.read, org_id)
        metadata = replace(metadata, exif=derived.exif)
        photo, is_new = await _store(database, ctx.known_runs, org_id, target, body, derived, metadata, device)
    return Json(_photo_stored(photo, ctx), 201 if is_new else 200)


def _photo_stored(photo: Photo, ctx: Context) -> PhotoStoredJson:
    return {**record.photo_receipt(photo, ctx.links), "generation": ctx.generation}


async def _store(
    database: Database,
    known_runs: KnownRuns,
    org_id: str,
    target: PhotoRef,
    body: BufferedUpload,
    derived: Derivatives,
    metadata: PhotoMetadata,
    device: str | None,
) -> tuple[Photo, bool]:
    """Store a photo's pieces in as few commits as their size allows, and the photo itself in the last one. Return the
    photo and whether it is new; when it cannot be stored, its pieces are deleted again.
    """
    new, pieces = _cut(body, derived)
    batch: list[Piece] = []
    weight, is_begun = 0, False
    try:
        for piece in pieces:
            if weight + len(piece.data) > MAX_BATCH:
                is_begun = True
                await database.write_heavy(weight, photos.add_pieces, org_id, batch)
                batch, weight = [], 0
            batch.append(piece)
            weight += len(piece.data)
        return await known_runs.write(target.run_id, photos.add_photo, weight, target, new, batch, metadata, device)
    except BaseException:
        if is_begun:  # after the pieces that are still queued if the request was cancelled
            await database.write_last(files.remove_unfinished, new.numbers)
        raise


def _cut(body: BufferedUpload, derived: Derivatives) -> tuple[PhotoFiles, Iterator[Piece]]:
    """Return a photo's files, whose `derived` may be the original, and an iterator over their pieces."""
    first = files.new_number()
    original = StoredFile(first, derived.content_type, body.bytes, body.sha256)
    shown = original if derived.photo is None else _jpeg(first + 1, derived.photo)
    thumbnail = _jpeg(first + 2, derived.thumbnail)
    pieces = chain(
        files.split_pieces(original, body.rewind()),
        files.split_pieces(shown, io.BytesIO(derived.photo or b"")),
        files.split_pieces(thumbnail, io.BytesIO(derived.thumbnail)),
    )
    return PhotoFiles(original, shown, thumbnail, derived.width, derived.height), pieces


def _jpeg(number: int, data: bytes) -> StoredFile:
    """Return the `StoredFile` of a JPEG: its number, type, size and SHA-256."""
    return StoredFile(number, "image/jpeg", len(data), hashlib.sha256(data).hexdigest())


@router.route(
    "DELETE /steps/{step_id}/photos/{photo_id}",
    {200: Success("The step as it stands.", WrittenJson)},
    problems=(*_OPEN, "invalid"),
)
async def delete_photo(request: Request) -> Response:
    """Delete a photo.

    Erases it for good, while the run is open. Repeated, it changes nothing.
    """
    require_same_site(request)
    ctx = context_of(request)
    target = _target(request)
    state = await ctx.known_runs.write(target.run_id, photos.remove_photo, 0, target, device_of(request))
    return Json(step_written(state, target.step_id, ctx.links, ctx.generation))


@router.route(
    "PUT /steps/{step_id}/signature",
    _RECEIPT,
    query=SignatureQuery,
    headers=("Content-Digest",),
    body=_PNG,
    problems=(*_OPEN, *_UNREADABLE),
)
async def put_signature(request: Request) -> Response:
    """Upload a step's signature.

    Stores the picture only: answer the step with `null` afterwards.
    """
    return await _put_signature(request, request.path_params["step_id"])


@router.route(
    "PUT /signature",
    _RECEIPT,
    query=SignatureQuery,
    headers=("Content-Digest",),
    body=_PNG,
    problems=(*_OPEN, *_UNREADABLE),
)
async def put_closing_signature(request: Request) -> Response:
    """Upload the signature that closes the run.

    For templates with `signature_on_complete`.
    """
    return await _put_signature(request, "")


async def _put_signature(request: Request, step_id: str) -> Response:
    """Store the signature of a step, or of the run (`step_id` ""); return its receipt: 201, or 200 if it was there."""
    require_same_site(request)
    ctx = context_of(request)
    run_id = request.path_params["run_id"]
    typed_name = query(SignatureQuery, request).typed_name
    device, database = device_of(request), ctx.database
    org_id = (await database.read(run_rows.get, run_id)).org_id
    await database.read(photos.find_signature, run_id, step_id, "", device)
    async with ctx.upload_buffer.receive(request, org_id, SIGNATURE_BYTES) as body:
        stored = await database.read(photos.find_signature, run_id, step_id, body.sha256, device)
        if stored is not None:
            return Json(_signature_stored(stored, ctx))
        await ctx.imaging.check_signature(body.read, org_id)
        png = body.read()
    signature = await ctx.known_runs.write(
        run_id, photos.add_signature, len(png), run_id, step_id, png, body.sha256, typed_name, device
    )
    return Json(_signature_stored(signature, ctx), 201)


def _signature_stored(signature: Signature, ctx: Context) -> SignatureStoredJson:
    return {**record.signature_receipt(signature, ctx.links), "generation": ctx.generation}


@router.route(
    "POST /decode",
    {200: Success("The barcode's text and format.", DecodedJson)},
    headers=("Content-Digest",),
    body=_PHOTO,
    problems=(*_OPEN, *_UNREADABLE),
)
async def decode_barcode(request: Request) -> Response:
    """Read a barcode from a picture.

    For phones without a scanner, in a started run. Finds the formats of its barcode steps.
    """
    require_same_site(request)
    ctx, run_id = context_of(request), request.path_params["run_id"]
    device = device_of(request)
    org_id, formats = await endpoint.read(request, lambda loaded: _formats(loaded[0]), execution.load_open, device)
    async with ctx.upload_buffer.receive(request, org_id, ctx.settings.limits.photo_bytes) as body:
        barcode = await _run_while_connected(request, ctx.imaging.decode_barcode(body.read, formats, org_id, run_id))
    if barcode is None:
        raise Problem("unreadable_image", "There is no barcode to be seen in this picture.")
    content: DecodedJson = {"text": barcode.text, "format": barcode.format}
    return Json(content)


def _formats(state: RunState) -> tuple[str, tuple[BarcodeFormat, ...]]:
    """Return the id of the run's organization, and the barcode steps' formats, sorted, each once; raise `not_started`
    before Start, `Invalid` if there are none.
    """
    if state.run.status == "pending":
        raise Problem("not_started", "This run has not been started yet: POST to its start first.")
    steps = [step for step in state.version.steps if isinstance(step, BarcodeStep)]
    if not steps:
        raise Invalid([FieldError("", "not_allowed", "this checklist has no step that takes a barcode")])
    return state.run.org_id, tuple(sorted({name for step in steps for name in step.config.formats}))


async def _run_while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`; cancel it and raise `ClientDisconnect` when the client closes the connection. The
    request's body must have been read before.
    """
    task = asyncio.create_task(work)
    disconnect = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({task, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return await task
    finally:
        task.cancel()
        disconnect.cancel()
        await asyncio.wait({task, disconnect})
