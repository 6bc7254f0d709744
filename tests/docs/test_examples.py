"""Every Python block of the documentation runs, in order, one namespace for each document."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil.document import Document
from sybil.parsers.markdown import PythonCodeBlockParser

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("core", "hooks", "drivers/*", "plugins/*", "docs")
DOCUMENTS = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for folder in FOLDERS
    for path in REPOSITORY.glob(f"{folder}/*.md")
)


@pytest.fixture(autouse=True)
def same_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    root.handlers[:] = before


@pytest.mark.parametrize("name", ["README.md", *DOCUMENTS])
def test_python_blocks_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = list(Document.parse(str(REPOSITORY / name), PythonCodeBlockParser()))
    for example in examples:
        example.evaluate()
    written = (REPOSITORY / name).read_text(encoding="utf-8").count("```python\n")
    assert len(examples) == written, "a block was passed over"


def test_a_block_that_fails_is_reported(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\ntext\n\n```python\nassert x == 2\n```\n")
    first, second = Document.parse(str(page), PythonCodeBlockParser())
    first.evaluate()
    with pytest.raises(AssertionError):
        second.evaluate()
