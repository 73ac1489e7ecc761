"""What an operator is told when a command cannot do its work."""

from __future__ import annotations


class OperatorError(Exception):
    """One sentence in Chinese: what is wrong, and what to do about it. Never a traceback."""
