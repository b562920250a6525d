"""The executor's page against the least browsers that the guide names: syntax, and what browsers must know."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from rundun import paths
from rundun.web.pages.pages import BROWSERS

GUIDE = (paths.templates() / "docs" / "browsers.md").read_text("utf-8")


class Since(NamedTuple):
    """Something a browser must know, and since which version each does (MDN's browser-compat-data); None: it never did.

    `pattern` finds it in a script or style, `sample` is a place where it must.
    """

    pattern: str
    sample: str
    safari: float | None
    chrome: float | None
    firefox: float | None

    def fits(self, floor: dict[str, float]) -> bool:
        """Tell whether each browser of the floor knows it."""
        versions = self._asdict()
        return all(versions[name] is not None and versions[name] <= least for name, least in floor.items())


FLOOR = {name: float(version) for name, version in BROWSERS.items()}
# Behind `?.` or `in` a script asks first, so it may be newer: only what is used as if it were there is found.
CALLED = r"(?<!\?)\.(?:{})\("
SCRIPT = {
    "optional chaining, ??": Since(r"\?\.(?!\d)|\?\?", "a?.b", 13.1, 80, 74),
    "private fields": Since(r"\bthis\.#\w", "this.#a", 14.1, 74, 90),
    "static fields": Since(r"^  static \w+ =", "  static a = 1;", 14.1, 72, 75),
    "private methods": Since(r"^  (?:async |get |set )?#\w+\(", "  #a() {", 15, 84, 90),
    "??=, ||=, &&=": Since(r"(?:\?\?|\|\||&&)=", "a ??= b", 14, 85, 79),
    "await at the top": Since(r"^(?:const .* = )?await ", "await work();", 15, 89, 89),
    "static blocks": Since(r"\bstatic\s*\{", "static { a(); }", 16.4, 94, 93),
    "#a in b": Since(r"#\w+ in \w", "#a in b", 15, 91, 90),
    "numeric separators": Since(r"\b\d+_\d", "1_000", 13, 75, 70),
    "BigInt": Since(r"\b\d+n\b", "10n", 14, 67, 68),
    "import attributes": Since(r"\bfrom \"[^\"]+\" (?:with|assert)\b", 'from "./a.json" with {', 17.2, 123, 138),
    "lookbehind": Since(r"/[^/\n]*\(\?<[=!]", "/(?<=a)b/", 16.4, 62, 78),
    "regular expressions with v, d": Since(r"/[gimsuy]*[v][gimsuy]*(?=[\s,;).])", "/a/v.test(b)", 17, 112, 116),
    "named groups": Since(r"\(\?<[a-z]", "/(?<a>b)/", 11.1, 64, 78),
    "using": Since(r"^\s*(?:await )?using \w+ =", "using a = b;", None, 134, 141),
    "module workers, import.meta.resolve": Since(r"import\.meta\.resolve\b", "import.meta.resolve(a)", 16.4, 105, 106),
    "at": Since(CALLED.format("at"), "a.at(-1)", 15.4, 92, 90),
    "replaceAll": Since(CALLED.format("replaceAll"), "a.replaceAll(b)", 13.1, 85, 77),
    "findLast": Since(CALLED.format("findLast|findLastIndex"), "a.findLast(b)", 15.4, 97, 104),
    "copies of arrays": Since(CALLED.format("toSorted|toReversed|toSpliced|with"), "a.toSorted()", 16, 110, 115),
    "group": Since(r"\b(?:Object|Map)\.groupBy\b", "Object.groupBy(a, b)", 17.4, 117, 119),
    "sets": Since(CALLED.format("union|intersection|difference|isSubsetOf"), "a.union(b)", 17, 122, 127),
    "iterators": Since(r"\.(?:keys|values|entries)\(\)\.(?:map|filter|some|every|find)\(", "a.keys().map(b)",
                       18.4, 122, 131),
    "hasOwn": Since(r"\bObject\.hasOwn\b", "Object.hasOwn(a, b)", 15.4, 93, 92),
    "fromAsync": Since(r"\bArray\.fromAsync\b", "Array.fromAsync(a)", 16.4, 121, 115),
    "withResolvers": Since(r"\bPromise\.withResolvers\b", "Promise.withResolvers()", 17.4, 119, 121),
    "Promise.any": Since(r"\bPromise\.any\b", "Promise.any(a)", 14, 85, 79),
    "Promise.try": Since(r"\bPromise\.try\b", "Promise.try(a)", 18.2, 128, 134),
    "allSettled": Since(r"\bPromise\.allSettled\b", "Promise.allSettled(a)", 13, 76, 71),
    "structuredClone": Since(r"\bstructuredClone\(", "structuredClone(a)", 15.4, 98, 94),
    "dialogs": Since(CALLED.format("showModal"), "a.showModal()", 15.4, 37, 98),
    "popovers": Since(CALLED.format("showPopover|togglePopover|hidePopover"), "a.showPopover()", 17, 114, 125),
    "randomUUID": Since(r"(?:return|= |\() ?crypto\.randomUUID\(", "a(crypto.randomUUID())", 15.4, 92, 95),
    "AbortSignal.timeout": Since(r"\bAbortSignal\.timeout\b", "AbortSignal.timeout(5)", 16, 103, 100),
    "AbortSignal.any": Since(r"\bAbortSignal\.any\b", "AbortSignal.any([a])", 17.4, 116, 124),
    "throwIfAborted": Since(CALLED.format("throwIfAborted"), "a.throwIfAborted()", 15.4, 100, 97),
    "URL.parse": Since(r"\bURL\.(?:parse|canParse)\b", "URL.parse(a)", 17, 120, 115),
    "base64 of bytes": Since(CALLED.format("toBase64|toHex|setFromBase64"), "a.toBase64()", 18.2, 140, 133),
    "view transitions": Since(CALLED.format("startViewTransition"), "document.startViewTransition(a)", 18, 111, 144),
    "checkVisibility": Since(CALLED.format("checkVisibility"), "a.checkVisibility()", 17.4, 105, 106),
    "requestSubmit": Since(CALLED.format("requestSubmit"), "a.requestSubmit()", 16, 76, 75),
    "offscreen canvas": Since(r"new OffscreenCanvas\(", "new OffscreenCanvas(1, 1)", 16.4, 69, 105),
    "streams that pack": Since(r"new (?:De)?[cC]ompressionStream\(", 'new CompressionStream("gzip")', 16.4, 80, 113),
    "file system": Since(CALLED.format("createWritable|getDirectory"), "a.getDirectory()", 15.2, 86, 111),
    "idle callbacks": Since(r"(?<!\.)\brequestIdleCallback\(", "requestIdleCallback(a)", None, 47, 55),
    "wake lock": Since(r"wakeLock\.", "navigator.wakeLock.request(a)", 16.4, 84, 126),
    "broadcasts": Since(r"new BroadcastChannel\(", "new BroadcastChannel(a)", 15.4, 54, 38),
    "locks": Since(r"navigator\.locks\.", "navigator.locks.request(a)", 15.4, 69, 96),
    "barcodes": Since(r"new BarcodeDetector\(", "new BarcodeDetector()", None, 83, None),
    "plurals of a range": Since(CALLED.format("selectRange"), "a.selectRange(1, 2)", 15.4, 106, 116),
    "durations, segments": Since(r"\bIntl\.(?:DurationFormat|Segmenter)\b", "new Intl.Segmenter(a)", 16.4, 129, 136),
    "Temporal": Since(r"\bTemporal\.", "Temporal.Now.instant()", None, 144, 139),
}  # fmt: skip
STYLE = {
    ":has": Since(r":has\(", ".a:has(.b)", 15.4, 105, 121),
    ":is, :where": Since(r":(?:is|where)\(", ":is(.a, .b)", 14, 88, 78),
    ":focus-visible": Since(r":focus-visible", "a:focus-visible", 15.4, 86, 85),
    "nesting": Since(r"^\s+&|\{[^}\n]*&", ".a { &:hover { } }", 17.2, 120, 117),
    "layers": Since(r"@layer\b", "@layer a;", 15.4, 99, 97),
    "containers": Since(r"@container\b|container-type", "@container (width > 1em)", 16, 105, 110),
    "ranges": Since(r"@media[^{]*\(\w+\s*[<>]", "@media (width >= 20em) {", 16.4, 104, 63),
    "properties": Since(r"@property\b", "@property --a {", 16.4, 85, 128),
    "starting style": Since(r"@starting-style\b", "@starting-style {", 17.5, 117, 129),
    "dynamic heights": Since(r"\d[ds]v[hwib]\b", "block-size: 100dvh", 15.4, 108, 101),
    "color-mix": Since(r"color-mix\(", "color: color-mix(in srgb, red, blue)", 16.2, 111, 113),
    "light-dark": Since(r"light-dark\(", "color: light-dark(red, blue)", 17.5, 123, 120),
    "oklch, lab": Since(r"\b(?:ok)?l(?:ch|ab)\(", "color: oklch(0 0 0)", 15.4, 111, 113),
    "field-sizing": Since(r"field-sizing", "field-sizing: content", 26.2, 123, None),
    "text-wrap": Since(r"text-wrap", "text-wrap: balance", 17.5, 114, 121),
    "match-parent": Since(r": match-parent", "text-align: match-parent", 3.1, 16, 40),
    "subgrid": Since(r"\bsubgrid\b", "grid-template-columns: subgrid", 16, 117, 71),
    "inset": Since(r"\binset(?:-\w+)*:", "inset: 0", 14.1, 87, 66),
    "margin-block": Since(r"(?:margin|padding)-(?:block|inline)\b", "margin-block: 0", 14.1, 87, 66),
    "aspect-ratio": Since(r"aspect-ratio:", "aspect-ratio: 1", 15, 88, 89),
    "gap": Since(r"\bgap:", "gap: 1rem", 14.1, 84, 63),
    "clamp, min, max": Since(r"\b(?:clamp|min|max)\(", "inline-size: min(1rem, 2rem)", 13.1, 79, 75),
    "individual transforms": Since(r"^\s*(?:translate|rotate|scale):", "  rotate: 1deg;", 14.1, 104, 72),
    "content-visibility": Since(r"content-visibility", "content-visibility: auto", 18, 108, 130),
    "anchors": Since(r"anchor-name|position-anchor", "anchor-name: --a", 26, 125, 147),
    "accent-color": Since(r"accent-color", "accent-color: red", 15.4, 93, 92),
    "forced colours": Since(r"forced-color", "@media (forced-colors: active)", 16, 89, 81),
    "overscroll-behavior": Since(r"overscroll-behavior", "overscroll-behavior: contain", 16, 63, 59),
    "trigonometry, rounding": Since(r"\b(?:sin|cos|round|mod)\(", "inline-size: round(up, 1em, 2em)", 15.4, 125, 118),
}  # fmt: skip
# Loaded only where another script has found it there.
ASKED_FOR = {("scan.js", "barcodes")}
# Newer, and nothing is lost where it is not known.
DEGRADES = {
    ":has": "only adds to what sibling selectors and attributes show",
    "containers": "large text breaks words in the facts",
    "dynamic heights": "a page or field is as high as what is in it",
    "field-sizing": "a text scrolls in its field",
    "text-wrap": "a heading breaks where it will",
    "forced colours": "the phone has none then, or keeps our colours",
    "overscroll-behavior": "the page behind scrolls, too",
}


def found(text: str, table: dict[str, Since], floor: dict[str, float]) -> set[str]:
    """Return what in a script or style a browser of the floor does not know."""
    newer = {name: since for name, since in table.items() if not since.fits(floor)}
    return {name for name, since in newer.items() if re.search(since.pattern, text, re.MULTILINE)}


def bare(path: Path) -> str:
    """Return a file without comments, which may say anything."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    return re.sub(r"(?m)(?:^|\s)//\s.*$", "", text) if path.suffix == ".js" else text


def test_scripts_need_nothing_newer_than_what_the_guide_names() -> None:
    for path in (paths.static() / "executor").rglob("*.js"):
        newer = found(bare(path), SCRIPT, FLOOR)
        assert {name for name in newer if (path.name, name) not in ASKED_FOR} == set(), path.name


def test_styles_need_nothing_newer_either_but_what_degrades_well() -> None:
    used = set()
    for path in (*(paths.static() / "executor").rglob("*.css"), paths.static() / "tokens.css"):
        used |= found(bare(path), STYLE, FLOOR)
    assert used - set(DEGRADES) == set()


def test_the_guard_is_understood_by_browsers_without_modules() -> None:
    guard = bare(paths.static() / "executor" / "guard.js")
    assert not re.search(r"=>|`|\b(?:let|const|class|async|await|of)\b|\?\.|\?\?|\.\.\.", guard)


@pytest.mark.parametrize(("name", "since"), [*SCRIPT.items(), *STYLE.items()])
def test_what_is_newer_is_found(name: str, since: Since) -> None:
    """Each line of the tables, by its own sample: in a browser a bit older than the first to know it."""
    table = {name: since}
    known = {browser: version for browser in FLOOR if (version := getattr(since, browser)) is not None}
    for browser, version in known.items():
        assert found(since.sample, table, {browser: version - 0.1}) == {name}
        assert found(since.sample, table, {browser: version}) == set()
    assert known


def test_the_guide_names_the_least_versions() -> None:
    said = " ".join(GUIDE.split())
    assert f"Safari {BROWSERS['safari']} (iOS {BROWSERS['safari']})" in said
    assert f"Android's WebView {BROWSERS['chrome']}" in said
    assert f"Firefox {BROWSERS['firefox']}" in said
