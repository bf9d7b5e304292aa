"""python -m tests.mutants [NAME...]: does the suite notice when somebody may suddenly do more?

mutmut changes roles, access, vault, audit and break_glass a little at a time, and each time one of
the tests that pyproject.toml names has to fail, or mypy. It works on a copy under var/ in which
decorated functions stand bare, because it passes over decorated ones, and those that handle words
are. What only says something else to people is no matter. Any other survivor stands in mutants.txt
under the reason why it widens nothing, or it is printed and the command fails; so it does for one
of the list that is caught meanwhile.
"""

import ast
import difflib
import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "var" / "mutants" / "house"
ROOMS = ("clients_app", "config", "sessions_app", "tests", "manage.py", "pyproject.toml")
JUDGED = Path(__file__).with_suffix(".txt")
# mutmut's notes: a test failed, pytest itself did, mypy objected, the tests came to no end.
CAUGHT = {1, 3, 37, -24, 24, 36, 152, 255}


def main() -> int:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    modules: list[str] = settings["only_mutate"]
    _copy(modules)
    if code := _mutate(*sys.argv[1:]):
        return code
    tried, survived = 0, set()
    for module in modules:
        for line, verdict in _results(HOUSE / "mutants" / module, module):
            tried += 1
            if verdict not in CAUGHT:
                survived.add(line)
    judged = {line for line in JUDGED.read_text().splitlines() if line.startswith("clients_app")}
    for line in sorted(survived - judged):
        print(f"nobody notices: {line}")
    caught = set() if sys.argv[1:] else judged - survived
    for line in sorted(caught):
        print(f"listed, and somebody notices: {line}")
    print(
        f"{tried} changes: nobody notices {len(survived)}, {len(survived & judged)} of them judged"
    )
    return int(bool(survived - judged or caught))


def _copy(modules: list[str]) -> None:
    """The house with its times, by which mutmut knows what has changed since the last run."""
    HOUSE.mkdir(parents=True, exist_ok=True)
    for room in ROOMS:
        if (ROOT / room).is_file():
            shutil.copy2(ROOT / room, HOUSE / room)
        else:
            shutil.rmtree(HOUSE / room, ignore_errors=True)
            shutil.copytree(ROOT / room, HOUSE / room, ignore=shutil.ignore_patterns("__pycache__"))
    for module in modules:
        (HOUSE / module).write_text(bare((ROOT / module).read_text()))
        shutil.copystat(ROOT / module, HOUSE / module)


def _mutate(*names: str) -> int:
    tools = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    # Whoever ends this ends mutmut with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1", *names]
    return subprocess.call(command, cwd=HOUSE, env=tools)


def bare(source: str) -> str:
    """The same, each decorated function first bare and decorated after."""
    lines = source.split("\n")
    for function in reversed(ast.parse(source).body):
        # A context manager would be another type without its decorator.
        if (
            isinstance(function, ast.FunctionDef)
            and function.decorator_list
            and ast.unparse(function.decorator_list[0]) != "contextmanager"
        ):
            decorated = function.name
            for decorator in reversed(function.decorator_list):
                decorated = f"{ast.unparse(decorator)}({decorated})"
            after = f"{function.name} = {decorated}  # type: ignore"
            lines[function.end_lineno : function.end_lineno] = ["", "", after]
            del lines[function.decorator_list[0].lineno - 1 : function.lineno - 1]
    return "\n".join(lines)


def _results(mutated: Path, module: str) -> Iterator[tuple[str, int | None]]:
    """Each change that is more than wording in a line, with mutmut's verdict."""
    source = mutated.read_text()
    lines = source.splitlines()
    functions = {
        node.name: dedent("\n".join(lines[node.lineno - 1 : node.end_lineno])).replace(
            node.name, ""
        )
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }
    verdicts = json.loads(mutated.with_name(f"{mutated.name}.meta").read_text())
    for key, verdict in verdicts["exit_code_by_key"].items():
        name = key.rpartition(".")[2]
        mangled = name.rpartition("__mutmut_")[0]
        before, after = functions[f"{mangled}__mutmut_orig"], functions[name]
        if _wordless(before) == _wordless(after):
            continue
        changes = [
            line
            for line in difflib.unified_diff(
                [line.strip() for line in before.splitlines()],
                [line.strip() for line in after.splitlines()],
                n=0,
                lineterm="",
            )
            if not line.startswith(("---", "+++", "@@"))
        ]
        yield f"{module}: {mangled.removeprefix('x_')}: {' '.join(changes)}", verdict


def _wordless(function: str) -> str:
    """Without what it says to people."""
    tree = ast.parse(function.replace("def (", "def f(", 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            node.args = [arg for arg in node.args if not isinstance(arg, ast.Constant)]
    return ast.dump(tree)


if __name__ == "__main__":
    sys.exit(main())
