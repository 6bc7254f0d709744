"""The directory of a run's files: it shows all of them, or none."""

import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from fillbridge.files import BadFile


class OutputDirectory:
    """Collects files beside their place and moves them there when all are complete.

    A context manager; on an exception nothing of the run appears, and files of an earlier run
    stay as they were.

    :raises BadFile: on entering, if the directory cannot be used
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and not self.path.is_dir():
                raise BadFile(self.path, "expected a directory for the output, was a file")
            self._partial = Path(
                tempfile.mkdtemp(prefix=f".{self.path.name}-", dir=self.path.parent)
            )
        except OSError as error:
            rule = f"expected a directory to write to, was not ({error.strerror})"
            raise BadFile(self.path, rule) from None
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
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)

    def _publish(self) -> None:
        self.path.mkdir(exist_ok=True)
        finished = sorted(self._partial.iterdir())
        # The summary goes last: where it is, everything else of the same run is.
        finished.sort(key=lambda path: path.name == "summary.json")
        (self.path / "summary.json").unlink(missing_ok=True)
        for path in finished:
            path.replace(self.path / path.name)
