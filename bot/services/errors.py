"""What can go wrong in a service, as one tree.

::

    ServiceError
    ├── NotBound            the chat account has no verified policy (E1)
    ├── NotFound            no such row among what this account may see
    ├── Refused             a rule forbids it; ``reason`` names the rule's case
    └── Conflict            somebody else changed the row meanwhile

Every message a parent reads is chosen by the action from the type and ``reason``; the
exception's own text goes to the log alone.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Base of all expected failures."""


class NotBound(ServiceError):
    """The chat account has no verified policy."""


class NotFound(ServiceError):
    """No such row among what this chat account may see."""


class Refused(ServiceError):
    """A rule of the manual forbids it.

    Args:
        reason: A short machine-readable word, for example ``network_clinic``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Conflict(ServiceError):
    """The row was changed by somebody else; read it again."""
