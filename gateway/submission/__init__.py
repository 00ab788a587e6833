"""Submission: accepted documents become signed messages, and signed messages reach the authority.

Two steps with a commit between them: a message row is committed before the first byte is sent,
so that every retry, also after a crash, sends the same bytes.
"""

from gateway.submission.gathering import Gathering
from gateway.submission.resuming import Resuming
from gateway.submission.sending import Channel, KeyGuard, Sending, Waits
from gateway.submission.splitting import Splitting
from gateway.submission.writing import Writing

__all__ = [
    "Channel",
    "Gathering",
    "KeyGuard",
    "Resuming",
    "Sending",
    "Splitting",
    "Waits",
    "Writing",
]
