"""What stops an account beside requests: a file that is dropped, and a timer nobody answers."""

import os
import pwd
import stat
from pathlib import Path

import msgspec

from fillbridge_hooks import Clock, KillLevel

_SECOND = 1_000_000_000
_READ = 1_000


class Stop(msgspec.Struct, frozen=True):
    """A wish to stop: how far, why, whose, and how it came."""

    level: KillLevel
    reason: str
    by: str
    via: str


class KillFile:
    """A file whose mere existence stops the account.

    Its first word may be a level, the rest is the reason. Whatever else it says, or if it cannot
    be read, it means ``FLATTEN``: whoever put it there wanted a stop, and cannot be asked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)

    @property
    def is_there(self) -> bool:
        """Whether there is anything of that name."""
        return os.path.lexists(self._name)

    def look(self) -> Stop | None:
        """What it asks for; ``None`` where there is none."""
        if not self.is_there:
            return None
        text, owner = self._content()
        word, _, reason = text.strip().partition(" ")
        try:
            level = KillLevel(word.lower())
        except ValueError:
            level, reason = KillLevel.FLATTEN, text.strip()
        return Stop(level, reason.strip() or f"the file {self.path.name}", owner, "file")

    def _content(self) -> tuple[str, str]:
        try:
            # Neither a pipe nor a link must keep live trading waiting, or lead elsewhere.
            descriptor = os.open(self._name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return "", "somebody (file)"
        try:
            status = os.fstat(descriptor)
            content = os.read(descriptor, _READ) if stat.S_ISREG(status.st_mode) else b""
            return _printable(content), f"{_user(status.st_uid)} (file)"
        except OSError:
            return "", "somebody (file)"
        finally:
            os.close(descriptor)


def _printable(content: bytes) -> str:
    words = content.decode("utf-8", "replace").split()
    return " ".join(words) if all(map(str.isprintable, words)) else ""


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


class DeadMan:
    """Stops the account where nobody says for too long that they attend to it.

    :param seconds: the longest time between two signs of life; ``None``: none are asked for
    """

    def __init__(self, clock: Clock, seconds: float | None, level: KillLevel) -> None:
        self._clock = clock
        self._limit_ns = None if seconds is None else round(seconds * _SECOND)
        self._level = level
        self._heard_ns = clock.now_ns

    def alive(self) -> None:
        """Somebody is there."""
        self._heard_ns = self._clock.now_ns

    def look(self) -> Stop | None:
        """The stop, if nobody was heard of for too long."""
        limit_ns, silence_ns = self._limit_ns, self._clock.now_ns - self._heard_ns
        if limit_ns is None or silence_ns <= limit_ns:
            return None
        reason = f"nobody was heard of for {limit_ns / _SECOND:g} s"
        return Stop(self._level, reason, "the dead man's timer", "dead man")
