"""The cookie that identifies an executor's phone on its run."""

from itsdangerous import BadSignature, Signer
from starlette.requests import Request
from starlette.responses import Response

from rundun.web.context import context_of

# Without a prefix as the console's cookies have: each run's has a path of its own, which __Host- would not allow, and
# phones on open runs have this one. Nobody can make it: the signature is over the run, too.
COOKIE = "rundun_device"
COOKIE_SECONDS = 365 * 24 * 3600


def device_of(request: Request) -> str | None:
    """Return the token in this run's signed cookie, None without a cookie or with one that we did not make."""
    signed = request.cookies.get(COOKIE)
    if signed is None:
        return None
    try:
        return _signer(request).unsign(signed).decode()
    except (BadSignature, UnicodeError):
        return None


def _signer(request: Request) -> Signer:
    """Return the signer of this run's cookies. Its key is never rotated, or a phone would be locked out of a run that
    only the first device may do. It need not be: what counts is that the token is the run's own, which is compared
    with `runs.device`; the signature only keeps out what we have never given out.
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
