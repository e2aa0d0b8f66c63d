"""What the compiled search reads and writes, as plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from model.types import BoolArray, FloatArray, IntArray


class Looks(NamedTuple):
    """What may be done in a slot, what it costs and sees; cells are paces, each split by bin of onset.

    Attributes
    ----------
    cost : (n_slots, n_actions) when the patient comes; action 0 is no visit
    row : (n_actions, n_causes) of the tables: the tests of the action that see the cause
    of_cause : (n_causes + 1,) where the rows of each cause begin, and the end of the last
    missed, seen : (n_slots, n_rows, n_cells) P(all those tests, done in the slot, miss the onset), and 1 minus it
    begun : (n_slots, n_cells) share of a cell's onsets that are there in the middle of the stretch after the slot
    target : (n_causes,) whether its undetected months count
    """

    cost: FloatArray
    row: IntArray
    of_cause: IntArray
    missed: FloatArray
    seen: FloatArray
    begun: FloatArray
    target: BoolArray


class People(NamedTuple):
    """Whom to plan for.

    Attributes
    ----------
    cells : (n_patients, n_causes, n_cells) mass of onsets
    first, end : (n_patients, n_causes) the first cell with any, and the one after the last
    there : (n_patients, n_slots) P(followed in the slot); 0 past the plan's end
    months : (n_patients, n_slots) expected under observation between the slot and the next, within the plan
    price : (n_patients,) of a month undetected
    """

    cells: FloatArray
    first: IntArray
    end: IntArray
    there: FloatArray
    months: FloatArray
    price: FloatArray


class Work(NamedTuple):
    """Room to work in for one patient, and how the plan at hand goes.

    Attributes
    ----------
    before, after : (n_causes, n_slots) P(cause not found before the slot, and after its visit)
    clear : likewise after, and no onset by the middle of the stretch that follows; `after` where it is no target
    worth : (n_slots, n_causes, n_cells) what an onset that is unfound after the slot's visit will yet cost: the visits
        and months that finding it saves. The slope of the objective in the cell's unfound mass, the other causes going
        as in the plan
    unfound : (n_causes, n_cells) mass that the visits so far have missed
    later, weighed : (n_causes, n_cells), (n_cells,)
    found, value : (n_rows,), (n_actions,)
    """

    before: FloatArray
    after: FloatArray
    clear: FloatArray
    worth: FloatArray
    unfound: FloatArray
    later: FloatArray
    weighed: FloatArray
    found: FloatArray
    value: FloatArray


class Walk(NamedTuple):
    """Where a sweep stands, one entry each, to be written to.

    Attributes
    ----------
    seen : slot of the visit before
    first : whether no visit has come yet
    nothing_found : P(no cause found before the slot)
    """

    seen: IntArray
    first: BoolArray
    nothing_found: FloatArray
