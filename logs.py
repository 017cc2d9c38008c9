"""What the processes write down: JSON lines in production, readable ones in practice; never a person's data.

Everything passes `kept_clean` last, our own lines and those of libraries. Words of exceptions are left out unless
their kind is known to speak of machines only: what cannot be checked is not written. A full disk loses lines and
nothing else (`_write`).
"""

import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from structlog.processors import JSONRenderer, TimeStamper
from structlog.typing import EventDict, WrappedLogger

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
STDERR = 2
MOST_FRAMES = 12
HERE = f"{Path(__file__).parent}{os.sep}"
REQUEST: ContextVar[str] = ContextVar("request", default="")

# Fields that hold somebody's data whatever stands in them.
KEPT_OUT = frozenset(
    {
        "address", "authorization", "birth_date", "body", "card_number", "cookie", "display_name", "email", "id_token",
        "key", "member_name", "messages", "name", "params", "password", "payload", "phone", "secret", "text", "to",
        "token", "user_id",
    }
)  # fmt: skip
# Fields of our own making that look like a phone number to a pattern.
LEFT_ALONE = frozenset({"timestamp", "level", "logger", "request", "request_id", "period", "at"})
HIDDEN = "‹…›"
PERSONAL = re.compile(
    r"[^\s@<>'\"(]+@[^\s@<>'\"()]+"  # an e-mail address
    r"|\b[UCR][0-9a-f]{32}\b"  # LINE's id of somebody
    r"|(?<![\w-])(?!\d{4}-\d\d-\d\d)\+?\d(?:[ ().-]?\d){8,}(?![\w-])"  # a phone or a card
    r"|[^\x00-\x7f‹›…“”]+"  # we write English: other letters are somebody's words
)
AFTER_PARAMETERS = re.compile(r"\s*(?:\[SQL:|\[parameters:|DETAIL:).*", re.DOTALL)


def set_up(level: str, *, readable: bool, settled: bool = False) -> None:
    """How this process logs from now on. `settled` in processes that serve: loggers are made once, which is quicker."""
    render: Any = _plain_line if readable else JSONRenderer(default=str, ensure_ascii=False)
    chain = [_add_request, TimeStamper(fmt="iso", utc=True), _told_safely, kept_clean, render]
    structlog.configure(
        processors=[structlog.processors.add_log_level, *chain],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _Writer(),
        cache_logger_on_first_use=settled,
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(old)
    root.addHandler(_Handler(chain))
    root.setLevel(logging.WARNING)  # libraries tell of trouble only
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # or it would chat at its own level
    for ours in ("app", "bot", "liff", "console", "api", "jobs", "domain", "line"):
        logging.getLogger(ours).setLevel(LEVELS[level])


def kept_clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last look at every line: personal data goes, wherever it stands."""
    return {name: value if name in LEFT_ALONE else _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if name in KEPT_OUT:
        return HIDDEN
    if isinstance(value, str):
        return PERSONAL.sub(HIDDEN, AFTER_PARAMETERS.sub("", value))
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean("", each) for each in value]
    return value if isinstance(value, (int, float, type(None))) else _clean("", str(value))


def _add_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if request := REQUEST.get():
        event["request"] = request
    return event


def _told_safely(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """An exception as its kind and its places in the code; its words only where they speak of machines."""
    told = event.pop("exc_info", None)
    if told is True:
        told = sys.exc_info()
    error = told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        event["exception"] = _chain_of(error)
    return event


def _chain_of(error: BaseException) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    each: BaseException | None = error
    while each is not None and len(found) < 4:
        frames = traceback.extract_tb(each.__traceback__)[-MOST_FRAMES:]
        places = [f"{frame.filename.removeprefix(HERE)}:{frame.lineno} {frame.name}" for frame in frames]
        found.append({"type": type(each).__qualname__, **_words_of(each), "places": places})
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return found


def _words_of(error: BaseException) -> dict[str, str]:
    if isinstance(error, DBAPIError):
        return {"words": str(error.orig).split("\n", 1)[0]}
    return {"words": str(error)} if isinstance(error, OSError) else {}


def _plain_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """For people at a terminal: the time, the words, the rest."""
    exception = event.pop("exception", ())
    head = f"{event.pop('timestamp')[11:19]} {event.pop('level', 'info'):7} {event.pop('event', '')}"
    rest = "".join(f" {name}={value}" for name, value in event.items())
    told = "".join(
        f"\n    {each['type']} {each.get('words', '')}" + "".join(f"\n      {place}" for place in each["places"])
        for each in exception
    )
    return head + rest + told


def _write(line: str) -> None:
    """Straight to the file: nothing is kept back that a full disk could turn into an error later (F8)."""
    with suppress(OSError):  # whoever is being served comes first; the disk's owner has other alarms
        os.write(STDERR, line.encode("utf-8", "replace") + b"\n")


class _Writer:
    """Where structlog's lines end."""

    def msg(self, line: str) -> None:
        _write(line)

    debug = info = warning = error = critical = exception = log = msg


class _Handler(logging.Handler):
    """The lines of libraries, made like ours."""

    def __init__(self, chain: list[Any]) -> None:
        super().__init__()
        self._chain = chain

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event: Any = {"level": record.levelname.lower(), "logger": record.name, "event": record.getMessage()}
            if record.exc_info:
                event["exc_info"] = record.exc_info
            for step in self._chain:
                event = step(None, record.levelname.lower(), event)
        except Exception:
            self.handleError(record)
        else:
            _write(event)

    def handleError(self, record: logging.LogRecord) -> None:
        """A line that cannot be made is lost; it stops nobody."""
