"""Which photos a step's answer has, where several phones answer it without knowing of each other.

An answer lists its photos in order, and may say which others of the step its author had seen. Then:

* What the author could not have known of stays: photos that the answer in force lists come after the listed ones, and
  those that have arrived or arrive later count too, in the order of their arrival.
* What the author had seen and does not list is left out, and stays so until an answer lists it again. What was listed
  and was seen to be missing is only no longer awaited: should it arrive after all, or be there by now, it counts.
* What somebody deleted stays deleted, whichever list still has it.
* Of a photo that was drawn on only the drawn one counts.

An answer that does not say what was seen has just the photos that it lists.
"""

from collections.abc import Collection, Sequence


def unite(
    sent: Sequence[str], seen: Collection[str], in_force: Sequence[str], deleted: Collection[str]
) -> tuple[str, ...]:
    """Return the united list of an answer: the photos `sent`, in order, then those of the answer `in_force` that are
    not among the photos `seen`. The step's `deleted` photos are left out.
    """
    unseen = [photo for photo in in_force if photo not in seen]
    return tuple([photo for photo in dict.fromkeys((*sent, *unseen)) if photo not in deleted])


def leave_out(
    listed: Collection[str], seen: Collection[str], before: Collection[str], stored: Collection[str]
) -> tuple[str, ...]:
    """Return the `stored` photos that do not count: not `listed`, and either `seen` by the answer's author or left out
    by the answer `before`.
    """
    return tuple([photo for photo in stored if photo not in listed and (photo in seen or photo in before)])


def counted(
    listed: Sequence[str], left_out: Collection[str], arrived: Sequence[str], undrawn: Collection[str]
) -> tuple[str, ...]:
    """Return the photos that count for an answer with `seen_photos`, including listed ones still to come: those
    `listed`, then those `arrived`, in order of arrival, that are not `left_out`. `undrawn` photos, which others were
    drawn on, do not count.
    """
    more = [photo for photo in arrived if photo not in left_out]
    return tuple([photo for photo in dict.fromkeys((*listed, *more)) if photo not in undrawn])
