from pathlib import Path

import pytest

from fillbridge.files import BadFile
from fillbridge.runs import OutputDirectory


def write_run(path: Path, text: str, *, fails_with: BaseException | None = None) -> None:
    with OutputDirectory(path) as output:
        for name in ("summary.json", "trades.csv"):
            (output.partial / name).write_text(text)
        if fails_with is not None:
            raise fails_with


def content(path: Path) -> dict[str, str]:
    return {one.name: one.read_text() for one in path.iterdir()}


def test_files_appear_when_all_are_complete(tmp_path):
    path = tmp_path / "a" / "b"
    with OutputDirectory(path) as output:
        (output.partial / "trades.csv").write_text("1")
        assert not (path / "trades.csv").exists()
    assert content(path) == {"trades.csv": "1"}


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt(), SystemExit(2)])
def test_a_failure_leaves_the_files_of_an_earlier_run(tmp_path, error):
    write_run(tmp_path / "out", "earlier")
    with pytest.raises(type(error)):
        write_run(tmp_path / "out", "later", fails_with=error)
    assert content(tmp_path / "out") == {"summary.json": "earlier", "trades.csv": "earlier"}


def test_a_failure_leaves_no_directory_that_it_made(tmp_path):
    with pytest.raises(ValueError, match="no"):
        write_run(tmp_path / "a" / "b", "1", fails_with=ValueError("no"))
    assert content(tmp_path) == {}


def test_a_run_replaces_the_earlier_one_and_nothing_else(tmp_path):
    write_run(tmp_path, "earlier")
    (tmp_path / "notes.txt").write_text("mine")
    write_run(tmp_path, "later")
    assert content(tmp_path) == {
        "notes.txt": "mine",
        "summary.json": "later",
        "trades.csv": "later",
    }


def test_a_file_of_someone_else_is_not_replaced(tmp_path):
    (tmp_path / "trades.csv").write_text("my proposals")
    with pytest.raises(BadFile, match=r"trades\.csv: expected no such file, or one of an earlier"):
        write_run(tmp_path, "later")
    assert content(tmp_path) == {"trades.csv": "my proposals"}


def test_a_directory_in_the_place_of_a_file_is_refused_before_anything_is_replaced(tmp_path):
    write_run(tmp_path, "earlier")
    (tmp_path / "trades.csv").unlink()
    (tmp_path / "trades.csv").mkdir()
    with pytest.raises(BadFile, match=r"trades\.csv: expected no such file"):
        write_run(tmp_path, "later")
    assert (tmp_path / "summary.json").read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["summary.json", "trades.csv"]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadFile, match="expected a directory to write to, was not"):
        write_run(tmp_path / place, "1")
    assert content(tmp_path) == {"file": "mine"}


def test_no_summary_tells_of_files_that_could_not_be_put_in_their_place(tmp_path, monkeypatch):
    write_run(tmp_path, "earlier")

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(BadFile, match="No space left on device"):
        write_run(tmp_path, "later")
    assert content(tmp_path) == {"trades.csv": "earlier"}
