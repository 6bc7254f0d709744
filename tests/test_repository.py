"""Rules that hold for the whole repository, each with what to do where it is broken."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint, distribution, packages_distributions
from pathlib import Path
from typing import Any

import click
import pytest
from importlinter.cli import lint_imports
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import fillbridge_hooks.specs
from fillbridge.cli.main import cli

REPOSITORY = Path(__file__).resolve().parents[1]
MEMBERS = sorted(
    path.parent
    for pattern in ("hooks", "core", "drivers/*", "plugins/*")
    for path in REPOSITORY.glob(f"{pattern}/pyproject.toml")
)
MODULES = sorted(path for member in MEMBERS for path in member.glob("src/**/*.py"))
PACKAGES = [path for path in MODULES if path.name == "__init__.py"]

GENERATED = re.compile(r"(^|/)(uv\.lock|__pycache__|\.coverage.*|\.env)($|/)|\.(so|pyc|egg-info)$")
REGISTRY = re.compile(r"pypi[.]org|pythonhosted[.]org|index-url\s*=|registry\s*=\s*[\"']http")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|opt)/\w")

# Each reads, at most, its arguments.
PURE_MODULES = {
    *("__future__", "abc", "bisect", "collections", "dataclasses", "decimal", "enum", "fractions"),
    *("functools", "heapq", "itertools", "math", "operator", "types", "typing"),
}

BANNED_IMPORTS = {"marshal", "pickle", "shelve"}
BANNED_CALLS = {
    *("eval", "exec", "yaml.load", "yaml.unsafe_load", "os.system"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"),
    "time.time_ns",
}
# The one that live trading will read the time from; a simulation runs on a virtual clock.
REAL_CLOCKS = {"core/src/fillbridge/clock.py"}


Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), path)


def project(member: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    return table


def imported(module: ast.Module) -> set[str]:
    """Dotted names of the modules that are imported, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, "an import names its package"
            names.add(node.module)
    return names


def is_documented_here(node: Definition) -> bool:
    """Whether the name is public, and no hook specification or getter documents it."""
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    elsewhere = {"hookimpl", "overload", f"{node.name}.setter"}
    return not node.name.startswith("_") and decorators.isdisjoint(elsewhere)


every_module = pytest.mark.parametrize("path", MODULES, ids=relative)
every_package = pytest.mark.parametrize("path", PACKAGES, ids=relative)
every_member = pytest.mark.parametrize("member", MEMBERS, ids=relative)


# Files


@pytest.fixture(scope="module")
def files() -> list[str]:
    """Every file that is tracked, or would be by ``git add``."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.splitlines() if (REPOSITORY / name).is_file()]


def test_no_test_folder_is_a_package() -> None:
    # With two of them one module runs twice, another never, and all is green.
    assert list((REPOSITORY / "tests").rglob("__init__.py")) == []


def test_nothing_generated_is_kept(files: list[str]) -> None:
    assert [name for name in files if GENERATED.search(name)] == []


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE_PATH], ids=["registry", "path"])
def test_no_file_names_a_registry_or_a_path_of_a_machine(
    files: list[str], pattern: re.Pattern[str]
) -> None:
    named = []
    for name in files:
        text = (REPOSITORY / name).read_bytes().decode("utf-8", errors="ignore")
        named += [f"{name}: {found.group()}" for found in pattern.finditer(text)]
    assert named == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (GENERATED, "uv.lock"),
        (GENERATED, "core/src/fillbridge/__pycache__/bus.pyc"),
        (GENERATED, "core/fast.so"),
        (REGISTRY, "https://pypi" + ".org/simple"),
        (REGISTRY, "index-url" + " = x"),
        (MACHINE_PATH, "see /home" + "/me/fillbridge"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


@every_member
def test_every_distribution_carries_the_license(member: Path) -> None:
    # A build sees the folder of its member only.
    assert (member / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


# Modules


@every_module
def test_a_module_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@every_module
def test_everything_public_has_a_docstring(path: Path) -> None:
    module = tree(path)
    missing = [] if ast.get_docstring(module) else ["the module"]
    public: list[tuple[str, ast.stmt]] = [("", node) for node in module.body]
    while public:
        owner, node = public.pop()
        if not isinstance(node, Definition) or not is_documented_here(node):
            continue
        if not ast.get_docstring(node):
            missing.append(f"{owner}{node.name} in line {node.lineno}")
        if isinstance(node, ast.ClassDef):
            public += [(f"{node.name}.", member) for member in node.body]
    assert missing == []


@every_package
def test_a_package_names_what_it_exports(path: Path) -> None:
    # A name that is imported, but neither used nor listed, is ruff's F401.
    defined = {
        node.name
        for node in tree(path).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and is_documented_here(node)
    }
    folder = path.parent
    package = importlib.import_module(
        ".".join(folder.relative_to(next(p for p in folder.parents if p.name == "src")).parts)
    )
    listed = getattr(package, "__all__", ())
    assert isinstance(listed, tuple)
    assert list(listed) == sorted(set(listed))
    assert defined <= set(listed)
    assert [name for name in listed if not hasattr(package, name)] == []


@every_module
def test_no_banned_call(path: Path) -> None:
    module = tree(path)
    banned = sorted(name for name in imported(module) if name.split(".")[0] in BANNED_IMPORTS)
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        shell = any(keyword.arg == "shell" for keyword in node.keywords)
        if shell or any(called == name or called.endswith(f".{name}") for name in BANNED_CALLS):
            banned.append(f"{called} in line {node.lineno}")
    assert banned == [] or relative(path) in REAL_CLOCKS


# Imports


def test_the_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert lint_imports(no_cache=True, no_logo=True) == 0


@every_module
def test_a_module_imports_only_what_its_distribution_declares(path: Path) -> None:
    member = next(member for member in MEMBERS if path.is_relative_to(member))
    metadata = distribution(project(member)["name"])
    declared = {Requirement(line).name for line in metadata.requires or ()} | {metadata.name}
    known = packages_distributions()  # without ours, which are installed as a path to their source
    undeclared = [
        name
        for name in imported(tree(path))
        if (top := name.split(".")[0]) not in sys.stdlib_module_names
        and declared.isdisjoint(known.get(top, [top.replace("_", "-")]))
    ]
    assert undeclared == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.parent.name == "engine"], ids=relative
)
def test_the_engine_is_pure(path: Path) -> None:
    module = tree(path)
    impure = {
        name
        for name in imported(module)
        if name.split(".")[0] not in {"fillbridge_hooks", "msgspec", *PURE_MODULES}
        and not name.startswith("fillbridge.engine")
    }
    assert impure == set()
    opened = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    assert opened & {"open", "print", "input", "__import__"} == set()
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert not any(isinstance(node, waits) for node in ast.walk(module))


def test_importing_fillbridge_imports_nothing_heavy() -> None:
    heavy = {"click", "dynaconf", "numpy", "plotly", "pyarrow", "rich"}
    program = f"import fillbridge, sys; print(*sorted({heavy!r} & set(sys.modules)))"
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ran.stdout.split() == []


# Distributions


@every_member
def test_entry_points_are_installed_as_declared_and_load(member: Path) -> None:
    table = project(member)
    groups = {"console_scripts": table.get("scripts", {}), **table.get("entry-points", {})}
    declared = {
        EntryPoint(name, value, group)
        for group, entries in groups.items()
        for name, value in entries.items()
    }
    assert set(distribution(table["name"]).entry_points) == declared
    for entry_point in declared:
        assert entry_point.load() is not None


def test_every_distribution_that_is_used_is_pinned() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    ours = {project(member)["name"] for member in MEMBERS}
    pinned = {Requirement(line).name for line in settings["tool"]["uv"]["constraint-dependencies"]}
    groups = settings["dependency-groups"]
    waiting = [Requirement(line) for line in (*groups["dev"], *groups["members"])]
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        if requirement.name not in ours:
            assert canonicalize_name(requirement.name) in pinned
        for line in distribution(requirement.name).requires or ():
            needed = Requirement(line)
            extras = ("", *requirement.extras)
            if not needed.marker or any(needed.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(needed)


# Documentation


def page(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def commands(command: click.Command, name: str) -> list[str]:
    if not isinstance(command, click.Group):
        return [name]
    return [
        found
        for part, child in command.commands.items()
        for found in commands(child, f"{name} {part}")
    ]


def test_every_hook_is_documented() -> None:
    text = page("docs/architecture.md")
    hooks = [name for name in vars(fillbridge_hooks.specs) if name.startswith("fillbridge_")]
    assert len(hooks) > 10
    assert [name for name in hooks if f"`{name}" not in text] == []


def test_every_command_is_documented() -> None:
    text = page("README.md")
    names = commands(cli, "fillbridge")
    assert "fillbridge demo" in names
    assert [name for name in names if name not in text] == []


def test_every_requirement_is_answered() -> None:
    text = page("docs/specification.md")
    requirements = [f"FR-EH-{number:02}" for number in range(1, 7)]
    requirements += [f"NFR-EH-{number:02}" for number in range(1, 12)]
    assert [name for name in requirements if not re.search(rf"\b{name}\b", text)] == []


def test_every_test_that_a_page_names_exists() -> None:
    missing = [
        f"{relative(path)}: {named}"
        for path in [REPOSITORY / "README.md", *REPOSITORY.glob("docs/*.md")]
        for named in re.findall(r"\btests/[\w/]+\.py\b", path.read_text(encoding="utf-8"))
        if not (REPOSITORY / named).is_file()
    ]
    assert missing == []
