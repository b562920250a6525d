"""The map in rundun/README.md is true: every folder is named there once, and a class name stands for one thing."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rundun"
MAP = (PACKAGE / "README.md").read_text("utf-8")
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))

# A line of the tree of folders: how far in it stands, and its name.
FOLDER = re.compile(r"^( *)([a-z_]+/) +\S")
# What lies in folders that tell of themselves: a language each, and the samples' pictures.
INNER = ("rundun/locales/", "rundun/samples/")


def named(text):
    """The folders that the tree of a map names, in its order, each with what else its line says."""
    found, above = [], []
    for line in text.split("```")[1].splitlines():
        if match := FOLDER.match(line):
            depth = len(match[1]) // 2
            above = [*above[:depth], match[2]]
            found.append(("".join(above), line))
    return found


def folders():
    """The folders of the package, of pages, and of scripts and styles."""
    for top in ("rundun", "static", "templates"):
        for path in (ROOT / top).rglob("*"):
            folder = path.parent.relative_to(ROOT).as_posix() + "/"
            is_inner = folder.startswith(INNER) and folder not in INNER
            if path.is_file() and path.suffix != ".pyc" and not is_inner:
                yield folder


def docstrings(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "name", "module"), text


def test_every_folder_is_named_in_the_map_once():
    assert sorted(folder for folder, _ in named(MAP)) == sorted(set(folders()))


def test_every_file_that_the_map_names_is_there():
    before, _, after = MAP.split("```")
    paths = re.findall(r"`((?:[a-z_]+/)+[\w.]*|\w+\.toml\.\w+)`", before + after)
    beside = [folder + name for folder, line in named(MAP) for name in re.findall(r"`(\w+\.\w+)`", line)]
    gone = [path for path in (*paths, *beside) if not any((root / path).exists() for root in (PACKAGE, ROOT))]
    assert gone == [] and len(paths) > 50 and len(beside) > 5


def test_no_two_public_classes_share_a_name():
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse((PACKAGE / path).read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def public_functions(folder):
    """The public functions of the modules of a folder: their names with the module, and what they return."""
    for path in sorted((PACKAGE / folder).rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield f"{path.stem}.{node.name}", ast.unparse(node.returns)


# Functions of the store that only compute a value, named by it.
COMPUTED = {
    *("copies.stamp", "copies.backup_path", "journal.journal_path", "journal.missing_entries", "files.new_number"),
    *("outbox.owner_id", "idempotency.json_response", "lists.membership_condition", "search_index.match_query"),
    *("access.runuser_advice", "access.user_name", "transaction.wall_clock", "outdated.stored_form"),
}


def test_a_public_function_of_the_store_begins_with_a_verb_of_the_map():
    words = MAP.partition("## Words")[2].partition("| word |")[0]
    verbs = set(re.findall(r"`([a-z]+)`", words))
    functions = dict(public_functions("store"))
    begins = {name: name.partition(".")[2].partition("_")[0] for name in functions}
    assert [name for name, verb in begins.items() if verb not in verbs and name not in COMPUTED] == []
    assert COMPUTED <= functions.keys() and verbs <= set(begins.values()), "no word too many in either list"
    assert [name for name, verb in begins.items() if verb == "find" and "None" not in functions[name]] == []
    assert [name for name, verb in begins.items() if verb in ("is", "has", "was") and functions[name] != "bool"] == []


def test_an_import_tells_rows_of_the_store_from_actions():
    rows, actions = ({path.stem for path in MODULES if path.parts[0] == layer} for layer in ("store", "actions"))
    shared, wrong = rows & actions - {"__init__"}, []
    for path in MODULES:
        for node in ast.walk(ast.parse((PACKAGE / path).read_text("utf-8"))):
            module = getattr(node, "module", None) or ""
            for name in node.names if module.startswith(("rundun.store", "rundun.actions")) else ():
                is_row, local = module.startswith("rundun.store"), name.asname or name.name
                is_right = local.endswith("_rows") if is_row else local == name.name or local.endswith("_actions")
                if name.name in shared and not is_right and path.parts[0] != "store":
                    wrong.append((str(path), local))
    assert wrong == [] and "runs" in shared


def test_a_docstring_can_be_read_by_itself():
    """Not “the same”, “as above” or “one of them”: its first line is all that many readers see."""
    vague = re.compile(r"(the same|as above|one of them|it|see there|as it was)\b", re.IGNORECASE)
    trees = {path: ast.parse((PACKAGE / path).read_text("utf-8")) for path in MODULES}
    assert [
        (str(path), name, text.split("\n")[0])
        for path, tree in trees.items()
        for name, text in docstrings(tree)
        if vague.match(text)
    ] == []


def test_the_map_is_read_as_it_is_written():
    text = "# A\n```\nrundun/   all\n  web/    asks\n    api/  of them\n  core/   is\nstatic/   files\n```\n`a/` b\n"
    found = [folder for folder, _ in named(text)]
    assert found == ["rundun/", "rundun/web/", "rundun/web/api/", "rundun/core/", "static/"]
