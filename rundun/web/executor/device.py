"""The cookie that identifies an executor's phone on its run."""

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response

from rundun.web.context import context_of

# Without the prefix of the console's cookies: each run's cookie has its own path, which __Host- does not allow. It
# cannot be forged: the signature includes the run.
COOKIE = "rundun_device"
COOKIE_SECONDS = 365 * 24 * 3600


def device_of(request: Request) -> str | None:
    """Return the token in this run's signed cookie; None without a cookie or for a forged one."""
    signed = request.cookies.get(COOKIE)
    if signed is None:
        return None
    try:
        return _signer(request).unsign(signed).decode()
    except (BadSignature, UnicodeError):
        return None


def _signer(request: Request) -> Signer:
    """Return the signer of this run's cookies. Its key is never rotated, since that would lock a phone out of a run
    that only the first device may do. Rotation is not needed: the token is compared with `runs.device`, and the
    signature only keeps out tokens that this service never issued.
    """
    return Signer(context_of(request).database.env.device_key, salt=f"device.{request.path_params['run_id']}")


def set_device(request: Request, response: Response, token: str) -> None:
    """Set the signed cookie with `token` for this run's address, for a year."""
    response.set_cookie(
        COOKIE,
        _signer(request).sign(token).decode(),
        max_age=COOKIE_SECONDS,
        path=f"/r/{request.path_params['run_id']}",
        secure=context_of(request).settings.is_https,
        httponly=True,
        samesite="lax",
    )
