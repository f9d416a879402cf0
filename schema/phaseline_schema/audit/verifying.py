"""The check of one deploy's log: entry by entry in the order of their sequences, then the deploy's row.

It keeps no more than how the deploy stands, however long the log. The first thing that does not hold is what it finds:
what comes after a broken entry proves nothing.
"""

from collections.abc import Iterable, Mapping

from phaseline_schema.audit import stored
from phaseline_schema.audit.course import Place
from phaseline_schema.audit.findings import Fault, FaultKind, Verification
from phaseline_schema.digests import digest
from phaseline_schema.pipeline import Pipeline

Graphs = Mapping[str, Pipeline]


def verify(graphs: Graphs, deploy_id: str, row: stored.Row | None, entries: Iterable[stored.Row]) -> Verification:
    """The check of a log that is at hand as a whole."""
    check = Check(graphs, deploy_id, row)
    for entry in entries:
        check.add(entry)
    return check.result()


class Check:
    """The check of one deploy's log, which it is given entry by entry."""

    def __init__(self, graphs: Graphs, deploy_id: str, row: stored.Row | None) -> None:
        """`graphs` are those that the log keeps to; `row` is the deploy's, None where it has none."""
        self._deploy_id = deploy_id
        self._entries = 0
        self._newest: stored.Row = {}
        self._place: Place | None = None
        self._fault = self._begin(graphs, row)

    def add(self, row: stored.Row) -> None:
        """One more entry."""
        self._entries += 1
        self._newest = row
        if self._place is not None and self._fault is None:
            self._fault = self._go_on(self._place, row)

    def result(self) -> Verification:
        """What the check has come to, all entries added."""
        if self._place is not None and self._fault is None:
            self._fault = _of_row(self._place)
        sequence, head = self._newest.get("sequence"), self._newest.get("digest")
        return Verification(
            self._deploy_id,
            self._entries,
            sequence if type(sequence) is int else None,
            head if stored.is_digest(head) else None,
            self._fault,
        )

    def _begin(self, graphs: Graphs, row: stored.Row | None) -> Fault | None:
        if row is None:
            return Fault(FaultKind.MISSING, "the deploy has entries, but no row")
        try:
            deploy = stored.deploy(row)
        except stored.Malformed as error:
            return Fault(FaultKind.MALFORMED, f"the deploy's row is not of its form: {error}")
        if deploy.pipeline not in graphs:
            return Fault(FaultKind.ROW, "the deploy's row names a pipeline that there is not")
        self._place = Place(graphs[deploy.pipeline], deploy)
        return None

    def _go_on(self, place: Place, row: stored.Row) -> Fault | None:
        """What is wrong with the next entry. Where nothing is, the place is behind it from now on."""
        due = place.due
        out_of_turn = _out_of_turn(row["sequence"], due)
        if out_of_turn is not None:
            return out_of_turn
        try:
            entry = stored.entry(row)
        except stored.Malformed as error:
            return Fault(FaultKind.MALFORMED, f"the entry is not of its form: {error}", due)
        if entry.digest != digest(entry, place.row, place.newest.digest if place.newest else None):
            return Fault(
                FaultKind.DIGEST,
                "the digest is not that of the entry, the deploy's ref and commit, and what was before",
                due,
            )
        unlawful = place.unlawful(entry)
        if unlawful is not None:
            return Fault(FaultKind.UNLAWFUL, unlawful, due)
        self._place = place.after(entry)
        return None


def _out_of_turn(sequence: object, due: int) -> Fault | None:
    if type(sequence) is not int:
        return Fault(FaultKind.MALFORMED, "the entry is not of its form: its sequence is no number", due)
    if sequence > due:
        return Fault(FaultKind.MISSING, f"the entry is missing; the next one is {sequence}", due)
    if sequence < due:
        return Fault(FaultKind.SURPLUS, "there are several entries of this sequence, or one before the first", sequence)
    return None


def _of_row(place: Place) -> Fault | None:
    """What is wrong with the deploy's row, where all entries hold."""
    if place.stands is None:
        return Fault(FaultKind.MISSING, "the deploy has a row, but no entries", place.due)
    if place.row.sequence > place.stands.sequence:
        return Fault(FaultKind.MISSING, f"the entry is missing; the deploy has come to {place.row.sequence}", place.due)
    wrong = place.differences()
    if wrong:
        return Fault(FaultKind.ROW, f"the deploy's row has another {', '.join(wrong)} than its entries make of it")
    return None
