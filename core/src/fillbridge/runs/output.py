"""The directory of a run's files: it shows all of them, or none."""

import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from fillbridge.files import BadFile

_LAST = "summary.json"


class OutputDirectory:
    """Keeps files out of sight until all of a run are complete; a context manager.

    On an exception nothing of the run appears, and files of an earlier run stay as they were.

    :param inputs: files that the run reads, which it must not replace
    :raises BadFile: on entering, if the directory cannot be used; on leaving, if a file cannot be
        put in its place
    """

    def __init__(self, path: Path, inputs: Iterable[Path] = ()) -> None:
        self.path = path
        self._inputs = tuple(inputs)
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
        # The summary goes last: where it is, everything else of the same run is.
        finished = sorted(self._partial.iterdir(), key=lambda path: path.name == _LAST)
        for path in finished:
            self._check_free(self.path / path.name)
        (self.path / _LAST).unlink(missing_ok=True)
        for path in finished:
            path.replace(self.path / path.name)

    def _check_free(self, target: Path) -> None:
        if target.is_dir():
            raise BadFile(target, "expected a file to replace, was a directory")
        if target.exists() and any(target.samefile(one) for one in self._inputs if one.exists()):
            raise BadFile(target, "expected an output beside the inputs, was one of them")

    def _remove_empty(self) -> None:
        with suppress(OSError):  # a directory that holds anything stays
            for place in self._made:
                place.rmdir()

    def _unusable(self, error: OSError) -> BadFile:
        rule = f"expected a directory to write to, was not ({error.strerror or error})"
        return BadFile(self.path, rule)
