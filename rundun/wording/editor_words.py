"""The words of the editor's scripts, by the names that they use."""

from collections.abc import Mapping

from rundun.wording.console_words import N_, ConsoleLanguage
from rundun.wording.template_words import COMPARISONS, FIELDS, JOINTS, TYPES, VALUES

_WORDS: Mapping[str, str] = {
    "yes": N_("Yes"),
    "no": N_("No"),
    "own_answer": N_("the answer"),
    "quoted": N_("“{text}”"),
    "optional": N_("optional"),
    "with_position": N_("Record the position"),
    "add_photos": N_("Ask for photos, too"),
    "add_pictures": N_("Show a picture"),
    "missing_step": N_("a deleted step"),
    "numbered": N_("{number}. {text}"),
    "dangling": N_("These steps depend on what is gone now:"),
    "not_published": N_("Not published: there are problems."),
    "move_up": N_("Move up"),
    "move_down": N_("Move down"),
    "duplicate": N_("Duplicate"),
    "delete": N_("Delete"),
    "deleted": N_("deleted"),
    "cancel": N_("Cancel"),
    "checklist_name": N_("Name of the checklist"),
    "whole_checklist": N_("The whole checklist"),
    "no_type": N_("No kind of answer is called so. Enter makes it the question."),
    "type_section": N_("Section"),
    "type_task": N_("Done / Not done"),  # the two answers to a task
    "paste_here": N_("Paste a list"),
    "paste_help": N_(
        "One line a step. “Kitchen:” begins a section, “Clean?” asks yes or no, “Fuel: Full / Half / Empty” is a "
        "choice, “Photo of the key” asks for a photo, and “Mileage (number)” names the kind of answer. Columns of a "
        "spreadsheet are the text, the kind of answer and options."
    ),
    "paste_read": N_("These rows will be added"),
    "paste_cut": N_("Only the first {n} of {all} lines: a checklist has at most so many steps."),
    "paste_take": N_("Add them"),
    "paste_options": N_("Options, with “ / ” between them"),
    "section_title": N_("Title of the section"),
    "first_section": N_("First section"),
    "step_label": N_("Question or task"),
    "no_text": N_("without a text"),
    "choose_type": N_("Kind of answer"),
    "field_options": N_("Options"),
    "one_of_options": N_("Option"),
    "one_of_slots": N_("Shot"),
    "one_of_fields": N_("Detail of the job"),
    "add_options": N_("Add an option"),
    "add_slots": N_("Add a named shot"),
    "add_fields": N_("Add a detail"),
    "photos_min": N_("Photos, at least"),
    "photos_max": N_("Photos, at most"),
    "one_a_line": N_("One a line."),
    "for_developers": N_("For developers"),
    "field_id": N_("Id"),
    "ask_only_if": N_("Ask only if"),
    "flag_when": N_("Flag when"),
    "and_tell": N_("and tell the person"),
    "all_of": N_("all of these are true"),
    "any_of": N_("any of these is true"),
    "join_name": N_("All or any"),
    "add_comparison": N_("Add a comparison"),
    "add_group": N_("Add a group"),
    "compared_step": N_("Earlier step"),
    "comparison": N_("Comparison"),
    "compared_value": N_("Value"),
    "op_eq": N_("is"),
    "op_neq": N_("is not"),
    "op_gt": N_("is above"),
    "op_lt": N_("is below"),
    "op_gte": N_("is at least"),
    "op_lte": N_("is at most"),
    "op_contains": N_("contains"),
    "op_not_contains": N_("does not contain"),
    "op_answered": N_("is answered"),
    "op_skipped": N_("is skipped"),
    "rule_in_json": N_("It has groups in groups, and is changed in the JSON."),
    "breaks": N_("These steps depend on what you are about to change, and would have a problem:"),
    "do_it": N_("Do it anyway"),
    "moved": N_("Row {place} of {n}."),
    "removed": N_("Deleted."),
    "not_undone": N_("That can’t be undone: somebody else has changed it meanwhile."),
    "picture_too_large": N_("It is too large."),
    "picture_n": N_("Picture {number}"),
    "pictures_full": N_("A step has at most {n} pictures."),
    "picture_unread": N_("The picture was not added: mend the JSON first."),
    "picture_failed": N_("It could not be sent. Look at your connection, and try again."),
    "place_order": N_("The order"),
    "take_mine": N_("Mine"),
    "take_theirs": N_("Theirs"),
    "join": N_("Go on"),
}


def editor_words(language: ConsoleLanguage) -> dict[str, str]:
    """Return all words of the editor's scripts in the reader's language, by name; {name}s are not filled in."""
    words = {
        **{f"field_{name}": word for name, word in FIELDS.items()},
        **{f"type_{name}": word for name, word in TYPES.items()},
        **{f"value_{field}_{name}": word for field, values in VALUES.items() for name, word in values.items()},
        **{f"is_{name}": word for name, word in COMPARISONS.items()},
        **{f"join_{name}": word for name, word in JOINTS.items()},
        **_WORDS,
    }
    return {name: language.translations.gettext(word) for name, word in words.items()}
