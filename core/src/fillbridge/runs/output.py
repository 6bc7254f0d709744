"""The directory of a run's files: it shows all of them, or none."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from fillbridge.files import BadFile

_SUMMARY = "summary.json"


class OutputDirectory:
    """Keeps files out of sight until all of a run are complete; a context manager.

    On an exception nothing of the run appears, and files of an earlier run stay as they were.
    Only files of an earlier run are replaced: those of a directory with a ``summary.json``.

    :raises BadFile: on entering, if the directory cannot be used; on leaving, if a file cannot be
        put in its place
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        try:
            self._made = [place for place in (self.path, *self.path.parents) if not place.exists()]
            self.path.mkdir(parents=True, exist_ok=True)
            # Inside, for only there it is sure to be on the same file system and writable.
            self._partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=self.path))
        except OSError as error:
            self._remove_empty()
            raise self._unusable(error) from None
        return self

    @property
    def partial(self) -> Path:
        """Where the files are written until they are complete."""
        return self._partial

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._publish()
        except OSError as failure:
            raise self._unusable(failure) from None
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)
            self._remove_empty()

    def _publish(self) -> None:
        summary = self.path / _SUMMARY
        # The summary goes last: where it is, everything else of the same run is.
        finished = sorted(self._partial.iterdir(), key=lambda path: path.name == _SUMMARY)
        targets = {path: self.path / path.name for path in finished}
        for target in targets.values():
            if target.is_dir() or (target.exists() and not summary.exists()):
                rule = f"expected no such file, or one of an earlier run beside its {_SUMMARY}"
                raise BadFile(target, f"{rule}, was something else")
        summary.unlink(missing_ok=True)
        for path, target in targets.items():
            path.replace(target)

    def _remove_empty(self) -> None:
        with suppress(OSError):  # a directory that holds anything stays
            for place in self._made:
                place.rmdir()

    def _unusable(self, error: OSError) -> BadFile:
        rule = f"expected a directory to write to, was not ({error.strerror or error})"
        return BadFile(self.path, rule)
