"""Logs, ids and the clock: what every module may use and nothing that it can disturb."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog
import uuid_utils

Clock = Callable[[], datetime]
"""Tells the time as an aware value in UTC; passed in, so that a test can turn it."""

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The clock of the running gateway."""
    return datetime.now(UTC)


def new_id() -> str:
    """A UUIDv7 in upper case: ordered by time, and a legal guid of the CEB messages."""
    return str(uuid_utils.uuid7()).upper()


def configure_logs(level: str) -> None:
    """One JSON object a line on stderr; stdout belongs to the data of the commands."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
