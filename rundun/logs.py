"""Log lines, one per outcome: `time level event key=value …`, or a JSON object, on standard error.

No line contains a secret: while a run is open its id is its link, so run ids are cut to their first 8 hex digits; API
keys, webhook secrets and media paths are removed. A value cannot forge a line: a value that is not plain is quoted, and
control characters are escaped.
"""

import asyncio
import json
import logging
import re
import sys
import time
import traceback
from contextlib import nullcontext
from typing import Any, TextIO
from urllib.parse import unquote

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_MAX_VALUE = 1000
_SEQUENCES = (list, tuple, set, frozenset)
_BYTES = (bytes, bytearray, memoryview)

_logger = logging.getLogger("rundun")

_PLAIN = re.compile(r"[!#-<>-\[\]-~]+").fullmatch  # visible ASCII without quote, equals sign and backslash
_SECRET = re.compile(
    r"(?P<run>r-[0-9a-f]{8})-[0-9a-f-]*"
    r"|(?P<key>rdk_live_|whsec_)[\w+/=-]+"
    r"|(?P<media>/media/|/console/join/|/console/reset/|/share/)[\s\"?#]*[^\s\"?#]+",
    re.IGNORECASE,
)


def log(level: str, event: str, /, *, exc: BaseException | None = None, **fields: Any) -> None:
    """Write one line. `level` is debug, info, warning or error; `event` a dotted name such as `run.dispatched`.

    Fields that are None are left out. `exc` adds the traceback: indented lines after a text line, `trace` in JSON.
    """
    number = LEVELS[level]
    if _logger.isEnabledFor(number):
        # Straight to the handlers: the stack walk of Logger.log costs more than the line, and no formatter uses it.
        record = logging.LogRecord(_logger.name, number, "", 0, event, None, None)
        record.fields = fields
        record.exc = exc
        _logger.handle(record)


def short(run_id: str) -> str:
    """Return the loggable part of a run id: its first 8 hex digits."""
    return run_id.removeprefix("r-")[:8]


def redact(text: str) -> str:
    """Return `text` with ids of runs cut to 8 digits, and API keys, webhook secrets and paths of media, shares,
    invitations and resets to their prefixes. A text that has one percent-encoded is returned decoded, perhaps with line
    breaks.
    """
    if text.isalnum():  # a method or request id, for example: every secret has other characters
        return text
    if "%" in text:
        plain = unquote(text)
        if _SECRET.search(plain):
            text = plain
    return _SECRET.sub(_redacted, text)


def _redacted(match: re.Match[str]) -> str:
    return match["run"] or f"{match['key'] or match['media']}…"


def configure(level: str = "info", format: str = "text", stream: TextIO | None = None) -> None:
    """Send all logging of this process through one handler. `level` and `format` are the settings `logs.*`."""
    handler = _BatchingHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)  # of libraries, whatever our level: some log every URL or SQL parameter
    _logger.setLevel(LEVELS[level])
    logging.captureWarnings(True)
    # Facts about thread and process that no line shows are not collected.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    if sys.version_info >= (3, 12):
        logging.logAsyncioTasks = False


def silence(library: str) -> None:
    """Turn off the logger of `library` in this process; the service logs the same facts itself."""
    logging.getLogger(library).disabled = True


class _BatchingHandler(logging.StreamHandler[TextIO]):
    """A handler that writes all lines of one turn of the event loop together, as a write costs as much as formatting a
    line. Errors, and lines logged outside of an event loop, are written at once with all lines before them; lines still
    queued when the process ends are written then.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._queued: list[str] = []
        self._flushing: asyncio.AbstractEventLoop | None = None  # the loop that will flush in its next turn

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one line."""
        try:
            self._queued.append(self.format(record) + self.terminator)
        except Exception:
            self.handleError(record)
        loop = _running_loop() if record.levelno < logging.ERROR else None
        if loop is None:
            self.flush()
        elif loop is not self._flushing:
            self._flushing = loop
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write the queued lines."""
        with self.lock or nullcontext():  # never None here
            lines, self._queued, self._flushing = self._queued, [], None
            try:
                if lines:
                    self.stream.write("".join(lines))
                super().flush()
            except (OSError, ValueError):
                pass  # a full disk, or a closed stream: the error cannot be logged anywhere


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _Lines(logging.Formatter):
    """The base of both formats: reads time, event, fields and traceback of a record."""

    def __init__(self) -> None:
        super().__init__()
        self._second = -1
        self._stamp = ""

    def at(self, record: logging.LogRecord) -> str:
        """Return a record's time, RFC 3339 in UTC with milliseconds; the part up to the second is cached."""
        second = int(record.created)
        if second != self._second:
            self._second, self._stamp = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._stamp}.{int(record.created * 1000) % 1000:03d}Z"

    @staticmethod
    def event_and_fields(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
        """Return (event, fields) of a record; for a library's record (name of the logger, its message as a field)."""
        fields: dict[str, Any] | None = getattr(record, "fields", None)
        if fields is not None:
            return record.msg, fields
        return record.name, {"message": record.getMessage().strip()}

    @staticmethod
    def trace(record: logging.LogRecord) -> str:
        exc = getattr(record, "exc", None) or (record.exc_info[1] if record.exc_info else None)
        return "".join(traceback.format_exception(exc)).rstrip() if exc is not None else ""


class TextLines(_Lines):
    """Lines such as `2026-01-01T12:00:00.000Z info run.dispatched run=1a2b3c4d credits=9`."""

    def format(self, record: logging.LogRecord) -> str:
        event, fields = self.event_and_fields(record)
        parts = [self.at(record), record.levelname.lower(), event if _PLAIN(event) else _quote(event)]
        parts += [f"{key}={_text(value)}" for key, value in fields.items() if value is not None]
        line = " ".join(parts)
        trace = self.trace(record)
        if trace:
            # Indented, so that no line of an exception's message can be taken for a log line.
            line += "".join(f"\n    {_escape(part)}" for part in redact(trace).split("\n"))
        return line


class JsonLines(_Lines):
    """Lines such as `{"at": "…", "level": "info", "event": "run.dispatched", "run": "1a2b3c4d", "credits": 9}`."""

    def format(self, record: logging.LogRecord) -> str:
        event, fields = self.event_and_fields(record)
        line: dict[str, Any] = {"at": self.at(record), "level": record.levelname.lower(), "event": event}
        for key, value in fields.items():
            if value is not None:
                line[key] = value if type(value) in (int, bool) else _json(value)
        trace = self.trace(record)
        if trace:
            line["trace"] = redact(trace)
        return json.dumps(line, allow_nan=False)


def _json(value: Any) -> Any:
    if isinstance(value, float):
        rounded = round(value, 3)
        return rounded if rounded - rounded == 0 else str(value)  # NaN and infinity have no JSON
    if isinstance(value, _SEQUENCES):
        return [_json(item) for item in value]
    return _string(value)


def _text(value: Any) -> str:
    if type(value) is str and value.isalnum() and value.isascii() and len(value) <= _MAX_VALUE:
        return value  # no secret, and needs no quotes
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return str(round(value, 3))
    if isinstance(value, _SEQUENCES):
        value = ",".join(_string(item) for item in value)
    string = _string(value)
    return string if _PLAIN(string) else _quote(string)


def _string(value: Any) -> str:
    if isinstance(value, _BYTES):
        return f"<{len(value)} bytes>"  # never a photo's content
    string = value if isinstance(value, str) else str(value)
    # Redacted before it is quoted: redact() may percent-decode it, and must not bring a line break into the line.
    return redact(string if len(string) <= _MAX_VALUE else f"{string[:_MAX_VALUE]}…")


def _quote(string: str) -> str:
    # isprintable() is false for controls, line separators, bidirectional marks and lone surrogates alike.
    return json.dumps(string, ensure_ascii=not string.isprintable())


def _escape(line: str) -> str:
    return line if line.isprintable() else _quote(line)
