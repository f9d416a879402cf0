"""A place in a deploy's log: what may be recorded there, and how the deploy stands behind it."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from phaseline_schema.phases import moved
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import OLDER_KINDS, SOURCES, AuditKind, DeployRecord, EntryRecord, Source
from phaseline_schema.refusals import CallbackRefusal, IllegalTransition, StaleAttempt


@dataclass(frozen=True, slots=True)
class Place:
    """Behind all entries so far.

    `row` is the deploy's, as it is stored; `stands` as the entries make it, None before the first one. `newest` is the
    last of them. `reported`: the statuses that the attempt has reported.
    """

    graph: Pipeline
    row: DeployRecord
    stands: DeployRecord | None = None
    newest: EntryRecord | None = None
    reported: frozenset[str] = frozenset()

    @property
    def due(self) -> int:
        """The sequence of the next entry."""
        return self.stands.sequence + 1 if self.stands else 1

    def after(self, entry: EntryRecord) -> "Place":
        """Behind one more entry, which may be recorded here."""
        stands = moved(self.graph, self.stands, entry) if self.stands else _begun(self.row, entry)
        is_new_attempt = self.stands is not None and stands.attempt != self.stands.attempt
        reported = frozenset() if is_new_attempt else self.reported
        if entry.accepted:
            reported |= {entry.to_status}
        return Place(self.graph, self.row, stands, entry, reported)

    def differences(self) -> list[str]:
        """The columns in which the stored row is another than the entries make it."""
        return [
            field.name
            for field in fields(DeployRecord)
            if getattr(self.row, field.name) != getattr(self.stands, field.name)
        ]

    def unlawful(self, entry: EntryRecord) -> str | None:
        """Why an entry could not have been recorded here, or None."""
        return next(self._problems(entry), None)

    def _problems(self, entry: EntryRecord) -> Iterator[str]:
        row = self.row
        if (entry.deploy_id, entry.pipeline, entry.environment) != (row.id, row.pipeline, row.environment):
            yield "the entry is one of another deploy, pipeline or environment"
        if self.newest is not None and entry.id <= self.newest.id:
            yield "the entry's id is not above that of the entry before it"
        if (entry.refusal is not None) != entry.is_refusal:
            yield "the entry does not say why a callback was refused, or says it of one that was accepted"
        yield from self._off_its_source(entry)
        if self.stands is None:
            said = (entry.kind, entry.from_status, entry.to_status, entry.attempt)
            if said != (AuditKind.DEPLOY_STARTED, None, self.graph.start, 1):
                yield "the first entry is not the start of the deploy"
            return
        if entry.kind is AuditKind.DEPLOY_STARTED:
            yield "the deploy starts a second time"
        if entry.from_status != self.stands.status:
            yield "the entry does not begin where the entry before it has left the deploy"
        if entry.accepted:
            yield from self._off_the_graph(entry, self.stands)
        elif entry.is_refusal:
            yield from _contradiction(entry, self.stands)
        else:
            yield from _moves(entry, self.stands)

    def _off_its_source(self, entry: EntryRecord) -> Iterator[str]:
        """Sources are kept from some entry on, and then of all."""
        if entry.source is None:
            if self.newest is not None and self.newest.source is not None:
                yield "the entry has no source, and the one before it has"
            if entry.kind not in OLDER_KINDS or entry.run_status is not None or entry.run_conclusion is not None:
                yield "the entry says what none without a source could say"
            if self.stands is None and self.row.commit_sha is not None:
                yield "the deploy has a commit, and was started before commits were kept"
        elif entry.source not in SOURCES[entry.kind]:
            yield "no entry of this kind comes from this source"
        elif not _is_account(entry):
            yield "the entry tells of a run what it could not, or not whose it is"

    def _off_the_graph(self, entry: EntryRecord, stands: DeployRecord) -> Iterator[str]:
        if entry.attempt == stands.attempt and entry.to_status in self.reported:
            yield "the status was reported before in the same attempt"
        try:
            self.graph.legal(
                origin=stands.status,
                attempt=stands.attempt,
                target=entry.to_status,
                reported_attempt=entry.attempt,
                source=entry.known_source,
            )
        except CallbackRefusal:
            yield "the transition graph has no such edge for this attempt and source"


def _is_account(entry: EntryRecord) -> bool:
    """Whether an entry tells of a run only what one may: GitHub alone does, of a run with an id."""
    if entry.run_status is None:
        return entry.run_conclusion is None and entry.kind is not AuditKind.RUN_REPORTED
    return entry.source is Source.GITHUB and entry.run_id is not None


def _moves(entry: EntryRecord, stands: DeployRecord) -> Iterator[str]:
    """Why an entry that moves nothing could not have been recorded here. GitHub may tell of a later attempt."""
    is_later = entry.kind is AuditKind.RUN_REPORTED and entry.attempt > stands.attempt
    if entry.to_status != stands.status or (entry.attempt != stands.attempt and not is_later):
        yield "the entry moves the deploy, and is none that does"


def _contradiction(entry: EntryRecord, stands: DeployRecord) -> Iterator[str]:
    """A graph may have grown since a callback was refused, so nothing follows from it; from attempts it does."""
    impossible = IllegalTransition.code if entry.attempt < stands.attempt else StaleAttempt.code
    if entry.refusal == impossible:
        yield "the entry's refusal contradicts its attempt"


def _begun(row: DeployRecord, entry: EntryRecord) -> DeployRecord:
    """The row of a deploy as its first entry makes it. No entry holds the ref or the commit, but every digest does.

    What its caller has called the request is no part of the log.
    """
    return DeployRecord(
        id=entry.deploy_id,
        environment=entry.environment,
        ref=row.ref,
        pipeline=entry.pipeline,
        status=entry.to_status,
        attempt=entry.attempt,
        sequence=entry.sequence,
        started_by=entry.actor,
        started_at=entry.recorded_at,
        updated_at=entry.recorded_at,
        finished_at=None,
        run_url=None,
        commit_sha=row.commit_sha,
        request_id=row.request_id,
    )
