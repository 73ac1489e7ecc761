"""Logs as JSON lines in the var folder, without what identifies a family.

Phone numbers, identity and bank card numbers, mail addresses, tokens, one-time codes and the
children's names in the store are masked; a conversation is named by a keyed hash, so that its
lines can be found together and nobody can be found from them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import logging.handlers
import re
import sys
import threading
from collections.abc import Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

LARGEST_FILE = 10_000_000
KEPT_FILES = 5
NAMES_REFRESH_S = 300

# Libraries whose INFO is noise or shows addresses with tokens in them.
_QUIET = ("apscheduler", "httpx", "httpcore", "rasa_sdk.executor", "urllib3", "telegram")
# Warnings for the developers of libraries, which some libraries switch on again.
_FOR_DEVELOPERS = ("DeprecationWarning:", "FutureWarning:", "ResourceWarning:")
_SECRETS = (
    (re.compile(r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}"), "<token>"),
    (re.compile(r"(?ai)\b(bearer|token)([ =:]+)[A-Za-z0-9._~+/-]{8,}=*"), r"\1\2<token>"),
    (re.compile(r"(?a)[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<email>"),
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "<id>"),
    (re.compile(r"(?<!\d)(?:\d[ -]?){15,18}\d(?!\d)"), "<card>"),
    (re.compile(r"(?<!\d)(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"), "<phone>"),
    (re.compile(r"(?ai)(验证码|one-time code|\bcode\b)(\D{0,8})\d{6}(?!\d)"), r"\1\2<code>"),
)
_CONVERSATION = re.compile(
    r"(?i)((?:conversation|sender)(?:[ _]id)?[\"']?\s*[:=]?\s*)([\"'])([^\"'\n]+)\2"
)
_CONVERSATION_KEYS = frozenset({"conversation", "conversation_id", "sender", "sender_id"})
_CHINESE = re.compile(r"[\u3400-\u9fff·]{2,}")
# What a log record has anyway; the rest came as ``extra``.
_USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class KnownNames:
    """The names to mask, read again from time to time; a failing read keeps the old ones."""

    def __init__(self, load: Callable[[], Iterable[str]] = tuple) -> None:
        """Start with no names.

        Args:
            load: Reads all names; may raise.
        """
        self._load = load
        self._names: frozenset[str] = frozenset()
        self._longest = 0

    def refresh(self) -> None:
        """Read the names now."""
        try:
            names = frozenset(name for name in self._load() if len(name) > 1)
        except Exception:
            logging.getLogger(__name__).exception("the names to mask could not be read")
            return
        self._longest = max(map(len, names), default=0)
        self._names = names

    def keep_fresh(self) -> None:
        """Read the names now, and every five minutes in a thread that ends with the process."""
        self.refresh()

        def again() -> None:
            pause = threading.Event()
            while not pause.wait(NAMES_REFRESH_S):
                self.refresh()

        threading.Thread(target=again, name="names-to-mask", daemon=True).start()

    def mask(self, text: str) -> str:
        """Return the text with every known name replaced by ``<name>``."""
        return _CHINESE.sub(self._mask_run, text) if self._names else text

    def _mask_run(self, match: re.Match[str]) -> str:
        # Looking up substrings takes the same time for ten names and for a hundred thousand.
        run, parts, start = match[0], [], 0
        while start < len(run):
            for end in range(min(len(run), start + self._longest), start + 1, -1):
                if run[start:end] in self._names:
                    parts.append("<name>")
                    start = end
                    break
            else:
                parts.append(run[start])
                start += 1
        return "".join(parts)


class JsonFormatter(logging.Formatter):
    """One JSON object a record: at (UTC), level, process, logger, message, error, and extras."""

    def __init__(self, process: str, key: str, names: KnownNames | None = None) -> None:
        """Make a formatter.

        Args:
            process: Name of the process.
            key: For hashing conversation ids.
            names: Names to mask.
        """
        super().__init__()
        self._process = process
        self._key = key.encode()
        self._names = names or KnownNames()

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, masked."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": self.mask(record.getMessage()),
        }
        extras = {k: v for k, v in record.__dict__.items() if k not in _USUAL}
        extras |= extras.pop("fields", {})
        for key, value in extras.items():
            line.setdefault(key, self._masked(key, value))
        if record.exc_info:
            line["error"] = self.mask(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)

    def mask(self, text: str) -> str:
        """Return the text without personal data."""
        text = _CONVERSATION.sub(lambda m: f"{m[1]}{m[2]}{self.pseudonym(m[3])}{m[2]}", text)
        for pattern, replacement in _SECRETS:
            text = pattern.sub(replacement, text)
        return self._names.mask(text)

    def pseudonym(self, conversation: str) -> str:
        """Return the name of a conversation in the logs: the same for the same id and key."""
        return hmac.new(self._key, conversation.encode(), hashlib.sha256).hexdigest()[:12]

    def _masked(self, key: str, value: Any) -> Any:
        if key in _CONVERSATION_KEYS:
            return self.pseudonym(str(value))
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.mask(str(value))


def configure(
    process: str,
    folder: Path,
    *,
    level: str = "INFO",
    key: str = "",
    names: KnownNames | None = None,
    echo: bool = False,
) -> None:
    """Send all logs of this process, Python's warnings and structlog's events to its file.

    Args:
        process: Name of the process and of its file.
        folder: Where ``<process>.log`` is; created if needed.
        level: The least severe level that is written.
        key: For hashing conversation ids.
        names: Names to mask.
        echo: Write the same lines to stderr too, for containers.

    Raises:
        OSError: The file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            folder / f"{process}.log",
            maxBytes=LARGEST_FILE,
            backupCount=KEPT_FILES,
            encoding="utf-8",
        )
    ]
    if echo:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(JsonFormatter(process, key, names))
    logging.basicConfig(level=level, handlers=handlers, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    adopt_others()
    sys.excepthook = _uncaught


def adopt_others() -> None:
    """Send Python's warnings and structlog's events, which Rasa uses, where all logs go."""
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addFilter(_concerns_operators)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _to_logging],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _concerns_operators(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not any(kind in message for kind in _FOR_DEVELOPERS)


def _to_logging(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    exc_info = event.pop("exc_info", None)
    message = str(event.pop("event", ""))
    return (message,), {"extra": {"fields": dict(event)}, "exc_info": exc_info}


def _uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    logging.getLogger("uncaught").critical("the process ends", exc_info=(kind, error, trace))
