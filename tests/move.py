"""`python -m tests.move STEP`: moves files into other folders and rewrites what names them, and changes nothing else.

Where each file goes stands in `tests/moves.txt` below the step's name, a line each: `old new`, and `new/ What a new
package holds.`
"""

import ast
import io
import os
import posixpath
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLAN = ROOT / "tests" / "moves.txt"
# What tells of its own day, and what is made anew by `make catalogs`.
LEFT = ("CHANGELOG.md", "rundun/store/migrations/", "rundun/locales/", "tests/move", "rundun/README.md")
TEXTS = (
    ".py",
    ".js",
    ".mjs",
    ".css",
    ".html",
    ".md",
    ".toml",
    ".json",
    ".yaml",
    ".sh",
    ".pot",
    "Makefile",
    "Dockerfile",
    "run",
)


def git(*arguments: str) -> str:
    """What a command of git says."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def plan(step: str) -> tuple[dict[str, str], dict[str, str]]:
    """Where each file goes in a step, and the docstrings of new packages."""
    moves, packages, current = {}, {}, ""
    for line in PLAN.read_text("utf-8").splitlines():
        if line.startswith("# "):
            current = line[2:]
        elif line and current == step:
            old, _, new = line.partition(" ")
            new = new.strip()
            if old.endswith("/"):
                packages[old] = new
            else:
                moves[old] = new + posixpath.basename(old) if new.endswith("/") else new
    return moves, packages


def dotted(path: str) -> str:
    """The module in a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def rewritten_imports(source: str, modules: Mapping[str, str]) -> str:
    """A module's text with its imports as they are after the move; names that change are changed in it, too."""
    tree, lines, renamed = ast.parse(source), source.splitlines(keepends=True), {}
    for node in sorted(
        (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)),
        key=lambda node: -node.lineno,
    ):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            groups: dict[str, list[str]] = {}
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in modules:
                    parent, _, name = modules[whole].rpartition(".")
                    if name != alias.name and not alias.asname:
                        if _is_taken(tree, name, alias.name):
                            text = f"{name} as {alias.name}"
                        else:
                            renamed[alias.name], text = name, name
                    else:
                        text = name + (f" as {alias.asname}" if alias.asname and alias.asname != name else "")
                else:
                    parent = modules.get(node.module, node.module)
                    text = alias.name + (f" as {alias.asname}" if alias.asname else "")
                groups.setdefault(parent, []).append(text)
            same = [name.name + (f" as {name.asname}" if name.asname else "") for name in node.names]
            if groups == {node.module: same}:
                continue
            made = [f"from {parent} import {', '.join(names)}" for parent, names in groups.items()]
        elif isinstance(node, ast.Import) and any(alias.name in modules for alias in node.names):
            made = [
                f"import {modules.get(alias.name, alias.name)}" + (f" as {alias.asname}" if alias.asname else "")
                for alias in node.names
            ]
        else:
            continue
        indent = " " * node.col_offset
        last = lines[node.end_lineno - 1]
        comment = re.search(r"  # noqa.*$", last.rstrip("\n"))
        lines[node.lineno - 1 : node.end_lineno] = [f"{indent}{line}{comment[0] if comment else ''}\n" for line in made]
    text = "".join(lines)
    return _with_names(text, renamed) if renamed else text


def _is_taken(tree: ast.AST, name: str, old: str) -> bool:
    """Whether a name stands for something else in a module already."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name:
            return True
        if isinstance(node, ast.arg) and node.arg in (name, old):
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return True
        if isinstance(node, ast.Name) and node.id == old and isinstance(node.ctx, ast.Store):
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name) == name:
            return True
    return False


def _with_names(source: str, renamed: Mapping[str, str]) -> str:
    """A text with names of modules changed wherever they are used."""
    lines = source.splitlines(keepends=True)
    places = [
        (node.lineno, node.col_offset, node.id)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and node.id in renamed
    ]
    for number, column, name in sorted(places, reverse=True):
        line = lines[number - 1].encode()
        assert line[column : column + len(name)] == name.encode()
        lines[number - 1] = (line[:column] + renamed[name].encode() + line[column + len(name) :]).decode()
    return "".join(lines)


def rewritten_strings(source: str, modules: Mapping[str, str]) -> str:
    """A module's text with the modules that its strings and comments name as they are after the move."""
    short = {old.removeprefix("rundun."): new.removeprefix("rundun.") for old, new in modules.items()}
    modules = {**{old: new for old, new in short.items() if "." in old}, **modules}
    tops = {name.partition(".")[0] for name in modules}
    name = re.compile(rf"(?<![\w.])(?:{'|'.join(tops)})(?:\.\w+)+") if tops else re.compile("(?!)")

    def named(match: re.Match[str]) -> str:
        parts = match[0].split(".")
        for end in range(len(parts), 1, -1):
            if ".".join(parts[:end]) in modules:
                return ".".join([modules[".".join(parts[:end])], *parts[end:]])
        return match[0]

    lines = source.splitlines(keepends=True)
    kinds = (tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        if token.type in kinds and (made := name.sub(named, token.string)) != token.string:
            (first, start), (last, end) = token.start, token.end
            head, tail = lines[first - 1][:start], lines[last - 1][end:]
            lines[first - 1 : last] = (head + made + tail).splitlines(keepends=True)
    return "".join(lines)


def rewritten_paths(text: str, paths: re.Pattern[str], moves: Mapping[str, str]) -> str:
    """A text with the paths that it names as they are after the move."""

    def moved(match: re.Match[str]) -> str:
        path = match[0]
        for prefix in ("", "rundun/", "templates/", "static/"):
            if prefix + path in moves:
                new = moves[prefix + path]
                return new.removeprefix(prefix) if new.startswith(prefix) else new
        return path

    return paths.sub(moved, text)


def rewritten_relative(text: str, old: str, new: str, moves: Mapping[str, str]) -> str:
    """A script's or style's text with the files that it imports as they are after the move."""

    def moved(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(old), match[2]))
        if not (ROOT / target).is_file():
            return match[0]
        found = posixpath.relpath(moves.get(target, target), posixpath.dirname(new))
        return match[1] + (found if found.startswith(".") else f"./{found}") + match[3]

    return re.sub(r'(")(\.{1,2}/[\w./]+\.(?:js|css))(")', moved, text)


def rewritten_pages(text: str, path: str, moves: Mapping[str, str]) -> str:
    """A text with the pages that the console renders, and the modules that the phone loads, as they are afterwards."""

    def rendered(match: re.Match[str]) -> str:
        new = moves.get(f"templates/console/{match[2]}.html", "")
        return match[1] + (new.removeprefix("templates/console/").removesuffix(".html") or match[2]) + '"'

    def loaded(match: re.Match[str]) -> str:
        new = moves.get(f"static/executor/{match[2]}.js", "")
        return match[1] + (new.removeprefix("static/executor/").removesuffix(".js") or match[2]) + '"'

    if path.startswith("rundun/web/console/"):
        text = re.sub(r'(\.render\(\s*")([\w/]+)"', rendered, text)
    if path.startswith("static/executor/"):
        text = re.sub(r'((?:loadModule(?:Once)?|later\.push|names\.push)\(")([\w/]+)"', loaded, text)
        text = re.sub(r'((?:names|later) = \[")([\w/]+)"', loaded, text)
    return text


def deepened(source: str, more: int) -> str:
    """A module's text that finds folders from where it lies, which is so many folders further down."""
    chain = re.compile(r"(Path\(__file__\)(?:\.resolve\(\))?)((?:\.parent)+)\b(?!s)")
    source = chain.sub(lambda match: match[1] + ".parent" * (match[2].count(".parent") + more), source)
    nth = re.compile(r"(Path\(__file__\)(?:\.resolve\(\))?\.parents)\[(\d)\]")
    return nth.sub(lambda match: f"{match[1]}[{int(match[2]) + more}]", source)


def texts() -> Iterator[str]:
    """The files whose text may name another file."""
    for path in git("ls-files").splitlines():
        if path.endswith(TEXTS) and not path.startswith(LEFT):
            yield path


def main() -> None:
    """Do it."""
    moves, packages = plan(sys.argv[1])
    for path in moves:
        if not (ROOT / path).is_file():
            sys.exit(f"there is no {path}")
    doubled = [new for new in moves.values() if list(moves.values()).count(new) > 1]
    if doubled:
        sys.exit(f"twice: {doubled}")
    modules = {dotted(old): dotted(new) for old, new in moves.items() if old.endswith(".py")}
    short = {old.removeprefix(prefix) for old in moves for prefix in ("rundun/", "") if "/" in old.removeprefix(prefix)}
    short |= {
        old.removeprefix(prefix) for old in moves for prefix in ("templates/", "static/") if old.startswith(prefix)
    }
    short = {name for name in short if "/" in name}
    names = sorted(short, key=len, reverse=True)
    paths = re.compile(r"(?<![\w/.-])(?:" + "|".join(map(re.escape, names)) + r")(?![\w/])")
    up = re.compile(r"(?<=\.\./)(?:" + "|".join(map(re.escape, names)) + r")(?![\w/])")
    for path in list(texts()):
        text = before = (ROOT / path).read_text("utf-8")
        new = moves.get(path, path)
        if path.endswith((".js", ".css")) and path.startswith("static/"):
            text = rewritten_relative(text, path, new, moves)
        if path.endswith(".py"):
            if not path.startswith("templates/"):
                text = rewritten_imports(text, modules)
                text = rewritten_strings(text, modules)
            text = deepened(text, new.count("/") - path.count("/"))
        text = rewritten_pages(text, path, moves)
        text = rewritten_paths(text, paths, moves)
        text = rewritten_paths(text, up, moves)
        if text != before:
            (ROOT / path).write_text(text, "utf-8")
    for old, new in moves.items():
        (ROOT / new).parent.mkdir(parents=True, exist_ok=True)
        git("mv", old, new)
    for folder, docstring in packages.items():
        (ROOT / folder).mkdir(parents=True, exist_ok=True)
        (ROOT / folder / "__init__.py").write_text(f'"""{docstring}"""\n' if docstring else "", "utf-8")
        git("add", folder + "__init__.py")
    for folder, _, files in os.walk(ROOT / "tests"):
        below = Path(folder).relative_to(ROOT).as_posix()
        if (
            any(name.endswith(".py") for name in files)
            and "__init__.py" not in files
            and below != "tests/packages/clients"
        ):
            (Path(folder) / "__init__.py").touch()
            git("add", f"{below}/__init__.py")
    ruff = str(ROOT / ".venv" / "bin" / "ruff")
    subprocess.run([ruff, "check", "--select", "I", "--fix", "--quiet", "."], cwd=ROOT, check=False)
    subprocess.run([ruff, "format", "--quiet", "."], cwd=ROOT, check=False)


if __name__ == "__main__":
    main()
