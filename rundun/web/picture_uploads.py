"""Uploads of pictures for templates, from an integrator or from the console's editor."""

from starlette.requests import Request

from rundun.actions.templates import pictures
from rundun.core.templates import pictures as template_pictures
from rundun.core.templates.pictures import NewPicture, TemplatePicture
from rundun.web.context import Context


async def store_picture(ctx: Context, request: Request, org_id: str) -> tuple[TemplatePicture, bool]:
    """Store the picture in a request's body, or keep a stored one with the same bytes for longer; return it and whether
    it is new. Raises `quota_exceeded`, and the errors of `UploadBuffer.receive` and `Imaging`.
    """
    async with ctx.upload_buffer.receive(request, org_id, ctx.settings.limits.photo_bytes) as body:
        picture_id = template_pictures.picture_id(body.sha256)
        stored = await ctx.database.write(pictures.find_stored, org_id, picture_id)
        if stored is not None:
            return stored, False
        derived = await ctx.imaging.derive_picture(body.read, org_id)
    assert derived.photo is not None  # a picture is always encoded anew
    new = NewPicture(picture_id, derived.photo, derived.thumbnail, derived.width, derived.height)
    return await ctx.database.write_heavy(len(new.jpeg) + len(new.thumbnail), pictures.add, org_id, new)
