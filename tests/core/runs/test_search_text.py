"""What texts are searched by."""

from hypothesis import example, given, strategies as some

from rundun.core.actor import Identity
from rundun.core.runs.search_text import find_run_id, fold, needles, run_text, split_matches

RUN_ID = "r-1de29692-0000-4000-8000-000000000001"


def test_case_accents_and_white_space_make_no_difference() -> None:
    for written, folded in {
        "MÁLAGA": "malaga",
        "Straße": "strasse",
        "STRASSE": "strasse",
        "Łódź, Ørsted": "lodz, orsted",
        "İstanbul ıI": "istanbul ii",
        " a\u3000 b\tc ": "a b c",
        "O’Brien – 5": "o'brien - 5",
        "Ⅷ ㎒ ﬁn": "viii mhz fin",
        "مُحَمَّد ١٢": "محمد 12",
        "ガス": "ガス",
        "हिन्दी": "हिन्दी",
        "한국": "한국",
        "co\u00adop\u200b": "coop",
    }.items():
        assert fold(written) == folded
    assert fold("か") != fold("が"), "other scripts' marks are letters"


@given(some.text(max_size=20))
@example("\u0345\u1e9e\ufb03")
def test_what_is_folded_stays(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded and "\n" not in folded and folded == folded.strip()


@given(some.text(some.sampled_from("aÁß ŁK\u212a"), min_size=1, max_size=8), some.integers(0, 7))
def test_a_part_of_a_text_is_found_in_it(text: str, at: int) -> None:
    said = run_text(RUN_ID, None, text, {}, Identity())
    found = needles(text[at:])
    assert not found or len(fold(text[at:])) < 3 or any(needle in said for needle in found)


def test_numbers_are_found_however_they_are_grouped() -> None:
    said = run_text(RUN_ID, "ref", "Flat", {}, Identity(phone="+34 612-345 (678)"))
    assert said == "\nr-1de29692\nflat\nref\n+34 612-345 (678)\n34612345678"
    for search in ("612 345 678", "+34612345678", "612-345-", "1de29692"):
        assert any(needle in said for needle in needles(search)), search
    assert needles("12 b") == ("12 b",) and needles("(1) 2") == ("(1) 2",) and needles("\u0301") == ()
    assert needles("Fl") == ("\nfl", " fl")


def marked(text: str, search: str) -> str:
    return "".join(f"[{part}]" if is_match else part for part, is_match in split_matches(text, search))


def test_what_a_search_finds_is_marked_as_it_is_written() -> None:
    for text, search, expected in (
        ("Ana, Calle Granada", "ANA", "[Ana], Calle Gr[ana]da"),
        ("Lucía Fernández", "lucia f", "[Lucía F]ernández"),
        ("Luci\u0301a", "IA", "Luci\u0301a"),
        ("Luci\u0301a", "cia", "Lu[ci\u0301a]"),
        ("Große Straße", "ss", "Große Straße"),
        ("Große Straße", "sse", "Gro[ße] Stra[ße]"),
        ("+34 612-345 678", "612345", "+34 [612-345] 678"),
        ("Flat  7\u3000b", "7 b", "Flat  [7\u3000b]"),
        ("Grand granite", "gr", "[Gr]and [gr]anite"),
        ("مُحَمَّد", "محمد", "[مُحَمَّد]"),
        ("Flat 7", "", "Flat 7"),
        ("Flat 7", "8", "Flat 7"),
        (f"{'x' * 500}Flat", "flat", f"{'x' * 500}Flat"),
    ):
        assert marked(text, search) == expected, (text, search)


@given(some.text(some.sampled_from("aÁß ŁK\u212a1-"), min_size=1, max_size=8), some.integers(0, 7))
def test_marks_leave_the_text_and_are_where_the_run_is_found(text: str, at: int) -> None:
    parts, said = split_matches(text, text[at:]), run_text(RUN_ID, None, text, {}, Identity()).partition("de29692")[2]
    assert "".join(part for part, _ in parts) == text and all(part for part, _ in parts)
    assert any(is_match for _, is_match in parts) == any(needle in said for needle in needles(text[at:]))


def test_of_what_is_long_the_beginning_is_searched() -> None:
    fields = {f"f-{at}": f"{at} {'ab ' * 160}{at} end of {at}" for at in range(30)}
    said = run_text(RUN_ID, "ref", "Flat", fields, Identity(name="Ed", phone="600"))
    assert said.startswith("\nr-1de29692\nflat\nref\ned\n600\n0 ab ab"), "fields come last"
    assert "6 end of 6" in said and "9 ab ab" not in said
    swollen = {f"f-{at}": "\ufdfa" * 2000 for at in range(30)}
    for text in ("x", *swollen.values()):
        assert len(run_text(RUN_ID, text, "\ufdfa" * 200, swollen, Identity(name="\ufdfa" * 200))) < 4100
    unseen = {f"f-{at}": "\u00ad" * 500 for at in range(8)} | {"f-8": "behind"}
    assert run_text(RUN_ID, None, None, unseen, Identity()) == "\nr-1de29692", "what is folded away counts"


def test_what_the_index_has_for_itself_nobody_writes() -> None:
    assert fold("a\ue000\uf8ff\U000f0000\U0010fffd b") == "a b" and fold("\ue123\ue456") == ""


def test_a_link_has_a_runs_id_in_it() -> None:
    for search in (RUN_ID, RUN_ID.upper(), f" https://example.com/r/{RUN_ID} "):
        assert find_run_id(search) == RUN_ID
    for search in (RUN_ID[:-1], f"{RUN_ID}0", "r-1de29692", "calle"):
        assert find_run_id(search) is None
