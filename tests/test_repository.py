"""Rules that hold for the whole repository; what breaks one is listed by name."""

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
TREES = {path: ast.parse(path.read_text(encoding="utf-8"), path) for path in MODULES}

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

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


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


def test_every_module_is_short() -> None:
    lines = {relative(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {name: count for name, count in lines.items() if count > 400} == {}


def undocumented(owner: str, node: ast.Module | Definition) -> list[str]:
    found = [] if ast.get_docstring(node) else [owner]
    # What a function defines inside is its own affair.
    body = [] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else node.body
    for child in body:
        if isinstance(child, Definition) and is_documented_here(child):
            found += undocumented(f"{owner}: {child.name}", child)
    return found


def test_everything_public_has_a_docstring() -> None:
    assert [name for path in MODULES for name in undocumented(relative(path), TREES[path])] == []


def unlisted(path: Path) -> list[str]:
    folder = path.parent
    source = next(parent for parent in folder.parents if parent.name == "src")
    package = importlib.import_module(".".join(folder.relative_to(source).parts))
    listed = getattr(package, "__all__", ())
    # A name that is imported, but neither used nor listed, is ruff's F401.
    found = [
        node.name
        for node in TREES[path].body
        if isinstance(node, Definition) and is_documented_here(node) and node.name not in listed
    ]
    found += [name for name in listed if not hasattr(package, name)]
    if listed != tuple(sorted(set(listed))):
        found.append("expected a tuple in the order of sorted()")
    return [f"{relative(path)}: {name}" for name in found]


def test_every_package_names_what_it_exports() -> None:
    packages = [path for path in MODULES if path.name == "__init__.py"]
    assert [name for path in packages for name in unlisted(path)] == []


def banned(module: ast.Module) -> list[str]:
    found = [name for name in imported(module) if name.split(".")[0] in BANNED_IMPORTS]
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        shell = any(keyword.arg == "shell" for keyword in node.keywords)
        if shell or any(called == name or called.endswith(f".{name}") for name in BANNED_CALLS):
            found.append(f"{called} in line {node.lineno}")
    return found


def test_nothing_executes_text_or_reads_the_system_clock() -> None:
    found = [f"{relative(path)}: {what}" for path in MODULES for what in banned(TREES[path])]
    (the_clock,) = found
    assert the_clock.startswith("core/src/fillbridge/live/clock.py: time.time_ns")


# Imports


def test_the_import_contracts_are_kept() -> None:
    # In a process of its own: it sets logging up anew, which silences every logger there is.
    lint = "from importlinter.cli import lint_imports; print(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", lint], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0", done.stdout


@every_member
def test_a_distribution_declares_what_it_imports(member: Path) -> None:
    metadata = distribution(project(member)["name"])
    declared = {canonicalize_name(Requirement(line).name) for line in metadata.requires or ()}
    declared.add(canonicalize_name(metadata.name))
    known = packages_distributions()  # without ours, which are installed as a path to their source
    undeclared = [
        f"{relative(path)}: {name}"
        for path in MODULES
        if path.is_relative_to(member)
        for name in imported(TREES[path])
        if (top := name.split(".")[0]) not in sys.stdlib_module_names
        and declared.isdisjoint(map(canonicalize_name, known.get(top, [top])))
    ]
    assert undeclared == []


def impure(module: ast.Module) -> list[str]:
    found = [
        name
        for name in imported(module)
        if name.split(".")[0] not in {"fillbridge_hooks", "msgspec", *PURE_MODULES}
        and not name.startswith("fillbridge.engine")
    ]
    for node in ast.walk(module):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            found.append(f"waits in line {node.lineno}")
        elif isinstance(node, ast.Name) and node.id in {"open", "print", "input", "__import__"}:
            found.append(f"{node.id} in line {node.lineno}")
    return found


def test_the_engine_is_pure() -> None:
    engine = [path for path in MODULES if path.parent.name == "engine"]
    assert len(engine) > 1
    assert [f"{relative(path)}: {what}" for path in engine for what in impure(TREES[path])] == []


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
