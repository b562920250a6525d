"""The photos of a step's answer if several phones answer the step without knowing of each other.

An answer lists its photos in order, and may name the other photos of the step that its author had seen. Then:

* Photos unknown to the author stay: those that the answer in force lists follow the listed ones, then all others that
  have arrived or arrive later, in the order of their arrival.
* A photo that the author had seen and does not list is left out, until an answer lists it again. A listed photo that
  was seen to be missing is no longer awaited, but counts if it has arrived or arrives after all.
* A deleted photo stays deleted, even if a list still has it.
* Of a photo and a drawing on it only the drawing counts.

An answer that names no seen photos has exactly the photos that it lists.
"""

from collections.abc import Collection, Sequence


def unite(
    sent: Sequence[str], seen: Collection[str], in_force: Sequence[str], deleted: Collection[str]
) -> tuple[str, ...]:
    """Return the photo ids of an answer's united list: the photos `sent`, in order, then those of the answer `in_force`
    that its author had not `seen`. The step's `deleted` photos are left out.
    """
    unseen = [photo for photo in in_force if photo not in seen]
    return tuple([photo for photo in dict.fromkeys((*sent, *unseen)) if photo not in deleted])


def leave_out(
    listed: Collection[str], seen: Collection[str], before: Collection[str], stored: Collection[str]
) -> tuple[str, ...]:
    """Return the ids of the `stored` photos that do not count, in their order: not `listed`, and either `seen` by the
    answer's author or left out by the answer `before`.
    """
    return tuple([photo for photo in stored if photo not in listed and (photo in seen or photo in before)])


def counted_photos(
    listed: Sequence[str], left_out: Collection[str], arrived: Sequence[str], undrawn: Collection[str]
) -> tuple[str, ...]:
    """Return the ids of photos that count for an answer with `seen_photos`: those `listed`, even if still to come, then
    those `arrived`, in order of arrival, that are not `left_out`. `undrawn` ones, on which others were drawn, do not
    count.
    """
    more = [photo for photo in arrived if photo not in left_out]
    return tuple([photo for photo in dict.fromkeys((*listed, *more)) if photo not in undrawn])
