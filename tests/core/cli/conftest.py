"""Files to trade on, the installed command, and plugins that strangers install."""

import json
import os
import subprocess
import sysconfig
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

START = 1_704_724_200  # seconds
BARS = f"""ts,open,high,low,close,volume
{START}000000000,4750,4751,4749,4750.5,100
{START + 60}000000000,4750.5,4752,4750,4751,100
{START + 120}000000000,4751,4753,4750.75,4752.5,100
{START + 180}000000000,4752.5,4754,4748,4749,100
"""
PROPOSALS = f"""proposal_id,ts,direction,position_size,stop_loss_ticks,take_profit_ticks
target,{START + 60}000000000,LONG,1,8,8
stop,{START + 120}000000000,SHORT,2,4,40
both,{START + 180}000000000,LONG,1,8,4
end,{START + 180}000000000,LONG,1,400,400
bad,{START + 180}000000000,UP,1,8,8
"""
CONFIG = """execution_handler:
  backtest_settings:
    slippage: {type: fixed, fixed_amount: 0.25}
    commission: {type: per_contract}
"""

Completed = subprocess.CompletedProcess[str]
Install = Callable[[str, str], None]
Fillbridge = Callable[..., Completed]


@pytest.fixture(scope="session")
def executable() -> str:
    """The installed command."""
    return str(Path(sysconfig.get_path("scripts")) / "fillbridge")


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with ``bars.csv``, ``proposals.csv`` and ``config.yaml``."""
    for name in [name for name in os.environ if name.startswith("FILLBRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bars.csv").write_text(BARS)
    (tmp_path / "proposals.csv").write_text(PROPOSALS)
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a plugin of one file, for processes that are started from now on."""
    site = tmp_path_factory.mktemp("site")
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)

    def install_plugin(name: str, source: str) -> None:
        (site / f"their_{name}.py").write_text(source)
        metadata = site / f"their_{name}-2.3.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: their-{name}\nVersion: 2.3\n"
        )
        (metadata / "entry_points.txt").write_text(f"[fillbridge]\n{name} = their_{name}\n")

    return install_plugin


@pytest.fixture
def fillbridge(inputs: Path, executable: str) -> Fillbridge:
    """Run the installed command in the directory of the inputs."""

    def run(*arguments: str) -> Completed:
        return subprocess.run(
            [executable, *arguments], cwd=inputs, capture_output=True, text=True, check=False
        )

    return run


class Running:
    """``fillbridge run`` in a process of its own, which prints what happens as JSON."""

    def __init__(self, executable: str, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [executable, "run", "--json", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # A handler that hangs fails its test, and not the whole run of tests.
        self._guard = threading.Timer(60, self.process.kill)
        self._guard.start()

    def wait_for(self, kind: str, **values: object) -> dict[str, Any]:
        """The next event of this kind that has these values."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: dict[str, Any] = json.loads(line)
            self.events.append(event)
            if event["event"] == kind and all(event[name] == values[name] for name in values):
                return event
        self.wait()
        raise AssertionError(f"no {kind} came, but {self.events} {self.errors}")

    def wait_open(self) -> None:
        """Wait until entries may leave."""
        self.wait_for("gate", gate="open")

    def end(self, number: int) -> int:
        """Send a signal, and the code with which it exits."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """The code with which it exits by itself."""
        out, self.errors = self.process.communicate()
        self.events += [json.loads(line) for line in out.splitlines()]
        self._guard.cancel()
        return self.process.returncode


@pytest.fixture(scope="module")
def start_handler(executable: str) -> Iterator[Callable[..., Running]]:
    """Starts ``fillbridge run`` in a folder; what still runs at the end is killed."""
    started: list[Running] = []

    def start(folder: Path, *arguments: str) -> Running:
        started.append(Running(executable, folder, *arguments))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        if one.process.returncode is None:
            one.wait()
