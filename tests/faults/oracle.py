"""What has to hold of every run, whatever went wrong in it.

Each check says what is wrong, a line for each, and nothing where all is well. What holds of a callback that is sent
again until it is answered, each sending naming itself in the entry that it makes:

- A sending makes one entry at most, whether its answer arrived or not.
- Answered as accepted, it made the one transition of its deploy, attempt and status, at the sequence it was told.
- Answered as accepted before, it made none: another sending did, at the sequence it was told, and an answer that was
  lost is one reason for it.
- Answered as refused, it made one entry that says so, with the same reason. Of a callback whose refusal was lost on
  the way there may be several such entries, one for each sending that arrived: a refusal has no repeat.
- Unanswered, or answered as unavailable, it may have made its entry or not, also long after its caller had gone.
- Turned away by a node that ends, it made none.
- Whatever was answered before something else was sent stands before it in the log.

Of an intruder's callback the log says who sent it and that it was refused, and nothing else of what it said; and not
again, where the newest entry says that already.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from tests.faults.history import (
    WORKFLOW,
    Answer,
    Entry,
    Event,
    Follow,
    History,
    Phases,
    Sending,
    Stand,
    Stretch,
    Told,
)
from tests.faults.intruders import CODES
from tests.faults.plan import Kind
from tests.support import model

Problems = Iterator[str]

# The faults that keep nodes from the database; a frozen one may hold what the others wait for.
KEEP_FROM_THE_DATABASE = (Kind.CONNECTIONS, Kind.CRASH, Kind.PAUSE, Kind.FREEZE)

# How long after one of them a node may still say so, in seconds: no longer does it wait for what it has begun before.
LATEST = 10.0

_NOT_RECORDED = (Answer.STOPPING, Answer.HELD_OFF)


def judge(history: History, *also: Callable[[History], Problems]) -> dict[str, list[str]]:
    """Everything that is wrong, by what does not hold. `also` are checks beside those that hold of every run."""
    found = {(check.__doc__ or check.__name__): list(check(history)) for check in (*CHECKS, *also)}
    return {check: problems for check, problems in found.items() if problems}


def told(problems: dict[str, list[str]]) -> str:
    """The first of them, each as far as it can be read."""
    lines = []
    for check, found in problems.items():
        lines += [f"{len(found)} × not so: {check}", *(f"    {problem[:2000]}" for problem in found[:3])]
    return "\n".join(lines)


def nodes_agree(history: History) -> Problems:
    """Every node tells the same of every deploy."""
    (first, expected), *others = history.told.items()
    for node, told in others:
        for deploy in sorted(expected.keys() | told.keys()):
            if expected.get(deploy) != told.get(deploy):
                yield f"{deploy}: {first} tells {expected.get(deploy)}, and {node} tells {told.get(deploy)}"


def the_database_agrees(history: History) -> Problems:
    """The rows of the database, read past all nodes, hold no contradiction, and nodes tell what they hold."""
    yield from history.rows


def starts_are_recorded(history: History) -> Problems:
    """Every deploy whose start was answered is there, with its note; and none that nobody wanted."""
    deploys = _deploys(history)
    notes = {start.note: start for start in history.starts}
    for start in history.starts:
        if start.deploy is not None and start.deploy not in deploys:
            yield f"{start.deploy}: was started, and is lost"
    for told in deploys.values():
        note = told.log[0].message if told.log else None
        if note not in notes:
            yield f"{told.id}: nobody started it, or somebody once and it is there twice (note {note!r})"
            continue
        start = notes.pop(note or "")
        if start.deploy not in (None, told.id):
            yield f"{told.id}: has the note of {start.deploy}"


def logs_have_no_gap(history: History) -> Problems:
    """The entries of a deploy are 1, 2, 3 …, and the first is its start."""
    for told in _deploys(history).values():
        sequences = [entry.sequence for entry in told.log]
        if sequences != list(range(1, len(sequences) + 1)):
            yield f"{told.id}: its entries are {sequences}"
        if [entry.sequence for entry in told.log if entry.kind == "DEPLOY_STARTED"] != [1]:
            yield f"{told.id}: its start is not its first entry alone"


def logs_follow_the_graph(history: History) -> Problems:
    """Every entry is what the model says of a callback that finds the deploy as the entries before have left it."""
    for told in _deploys(history).values():
        reports: list[model.Report] = []
        for entry in told.log[1:]:
            attempt, status = reports[-1] if reports else (1, model.START)
            here = f"{told.id}: entry {entry.sequence} ({entry.target}, attempt {entry.attempt})"
            if entry.origin != status:
                yield f"{here} begins at {entry.origin}, where the deploy was {status}"
            if (entry.attempt, entry.target) in reports and entry.refusal not in CODES:
                yield f"{here} repeats a callback that was accepted"
            expected = entry.refusal if entry.refusal in CODES else _refusal(status, attempt, entry)
            if entry.refusal != expected:
                yield f"{here} was {_judged(entry.refusal)}, and should have been {_judged(expected)}"
            if entry.accepted:
                reports.append((entry.attempt, entry.target))


def rows_are_folds(history: History) -> Problems:
    """A deploy stands as the fold of its log says."""
    for told in _deploys(history).values():
        expected = folds(told.log)[-1]
        if told.stand != expected:
            yield f"{told.id}: stands {told.stand}, and its log says {expected}"


def nothing_was_invented(history: History) -> Problems:
    """Every entry but the start and those of intrusions was made by a sending that somebody sent, and none made two."""
    sendings = {sending.run: sending for sending in history.sendings}
    made: Counter[str] = Counter()
    for told in _deploys(history).values():
        for entry in told.log[1:]:
            if entry.refusal in CODES:
                continue
            sending = sendings.get(entry.run or "")
            if sending is None:
                yield f"{told.id}: nobody sent entry {entry.sequence} ({entry.run})"
                continue
            made[sending.run] += 1
            if made[sending.run] > 1:
                yield f"{told.id}: {sending.run}, sent once, made entry {entry.sequence} as well as another"
            if (sending.deploy, sending.status, sending.attempt) != (told.id, entry.target, entry.attempt):
                yield f"{told.id}: entry {entry.sequence} is not what {sending.run} said: {sending}"


def accepted_callbacks_are_recorded_once(history: History) -> Problems:
    """Every callback that was answered as accepted is one transition, at the sequence that was told."""
    for sending in history.sendings:
        if sending.answer not in (Answer.ACCEPTED, Answer.DUPLICATE):
            continue
        found = [
            entry
            for entry in _log(history, sending.deploy)
            if entry.kind == "TRANSITION" and (entry.attempt, entry.target) == (sending.attempt, sending.status)
        ]
        if [entry.sequence for entry in found] != [sending.sequence]:
            yield f"{sending.deploy}: {sending} is recorded as {found}"
            continue
        own = found[0].run == sending.run
        if own != (sending.answer is Answer.ACCEPTED):
            yield f"{sending.deploy}: {sending} was answered for the entry of {found[0].run}"
        elif found[0].run != sending.first:
            yield f"{sending.deploy}: {sending} was shown another first entry than {found[0].run}"


def refused_callbacks_are_recorded_once(history: History) -> Problems:
    """Every refusal that was answered is one entry, with the same reason."""
    made: defaultdict[str, list[tuple[str | None, str | None]]] = defaultdict(list)
    for told in _deploys(history).values():
        for entry in told.log:
            made[entry.run or ""].append((entry.refusal, entry.origin))
    for sending in history.sendings:
        if sending.answer is Answer.REFUSED and made[sending.run] != [(sending.refusal, sending.origin)]:
            yield f"{sending.deploy}: {sending} is recorded as {made[sending.run]}"


def intrusions_are_recorded(history: History) -> Problems:
    """Every intrusion that was answered is in the log, by whom it was and why it was refused; none is without one."""
    sent = Counter(map(_said, (sending for sending in history.intrusions if sending.answer not in _NOT_RECORDED)))
    for told in _deploys(history).values():
        entries = [entry for entry in told.log if entry.refusal in CODES]
        made = Counter((told.id, entry.target, entry.attempt, entry.actor) for entry in entries)
        for said, count in made.items():
            if count > sent[said]:
                yield f"{told.id}: {said} is there {count} times, and was sent {sent[said]} times"
        for before, entry in pairwise(told.log):
            if entry.refusal in CODES and replace(before, sequence=entry.sequence) == entry:
                yield f"{told.id}: entry {entry.sequence} says again what the one before it says"
    for sending in history.intrusions:
        made_by = (sending.status, sending.attempt, sending.actor, sending.refusal)
        log = _log(history, sending.deploy)
        if sending.answer is Answer.REFUSED and not any(
            (entry.target, entry.attempt, entry.actor, entry.refusal) == made_by for entry in log
        ):
            yield f"{sending.deploy}: {sending} is not recorded"


def only_workflows_move_deploys(history: History) -> Problems:
    """Every move, and every refusal by the graph, is a workflow's; an intrusion says nothing of its run."""
    for told in _deploys(history).values():
        for entry in told.log[1:]:
            if (entry.actor == WORKFLOW) == (entry.refusal in CODES):
                yield f"{told.id}: entry {entry.sequence} is {entry.actor}'s: {entry}"
            if entry.refusal in CODES and entry.run is not None:
                yield f"{told.id}: entry {entry.sequence} names the run {entry.run}"


def nothing_is_recorded_of_what_is_turned_away(history: History) -> Problems:
    """A node that ends records nothing of what it answers that it ends."""
    turned_away = {sending.run for sending in history.sendings if sending.answer is Answer.STOPPING}
    for told in _deploys(history).values():
        for entry in told.log:
            if entry.run in turned_away:
                yield f"{told.id}: {entry.run} was turned away, and made entry {entry.sequence}"


def answers_are_as_agreed(history: History) -> Problems:
    """No caller is told anything but accepted, accepted before, refused, or to try again."""
    for sending in history.sendings + history.intrusions:
        if sending.answer is Answer.ODD:
            yield f"{sending.deploy}: {sending}"


def everybody_was_answered(history: History) -> Problems:
    """When all is well again, every caller is answered."""
    for caller in history.unanswered:
        yield f"{caller} is still not answered"


def what_was_answered_comes_first(history: History) -> Problems:
    """An entry of a sending stands behind every entry that was answered before it was sent."""
    known = _answered(history)
    made = {entry.run: entry.sequence for told in _deploys(history).values() for entry in told.log if entry.run}
    for sending in history.sendings:
        newest = known(sending.deploy, sending.sent)
        if made.get(sending.run, newest + 1) <= newest:
            yield f"{sending.deploy}: {sending} made entry {made[sending.run]}, though {newest} was answered before"


def looks_are_never_behind(history: History) -> Problems:
    """A deploy that is asked for is at least at what was answered before, whichever node is asked."""
    known = _answered(history)
    for look in history.looks:
        newest = known(look.deploy, look.asked)
        if look.sequence < newest:
            yield f"{look.deploy}: a node told sequence {look.sequence}, though {newest} had been answered"


def viewers_saw_everything_once(history: History) -> Problems:
    """Every subscription brought the entries after the one it named: each once, in order, none left out."""
    known = _answered(history)
    for follow in history.follows:
        log = _log(history, follow.deploy)
        for stretch in follow.stretches:
            yield from _stretch(follow, stretch, log, known(follow.deploy, stretch.asked))


def viewers_saw_the_fold(history: History) -> Problems:
    """Every event is an entry of the log, and the deploy as the log up to there says."""
    for follow in history.follows:
        log = _log(history, follow.deploy)
        stands = folds(log)
        for stretch in follow.stretches:
            for event in stretch.events:
                yield from _event(follow, stretch, event, log, stands)


def viewers_went_on_where_they_were(history: History) -> Problems:
    """A subscription asks for what comes after something that its viewer has seen, and for nothing later."""
    for follow in history.follows:
        seen = 0
        for before, stretch in pairwise(follow.stretches):
            seen = max([seen, *(event.stand.sequence for event in before.events)])
            if (stretch.after or 0) > seen or (seen and stretch.after is None):
                yield f"{_who(follow)} asked for what is after {stretch.after}, having seen {seen}"


def viewers_have_caught_up(history: History) -> Problems:
    """At the end every viewer has the newest entry of its kind."""
    for follow in history.follows:
        log = [entry.sequence for entry in _log(history, follow.deploy) if follow.everything or entry.accepted]
        seen = max((event.entry.sequence for stretch in follow.stretches for event in stretch.events), default=0)
        if log and seen != log[-1]:
            yield f"{_who(follow)} has seen {seen} of {log[-1]}"


def viewers_were_told_no_error(history: History) -> Problems:
    """No subscription was ended by an error, but that the database does not answer."""
    for follow in history.follows:
        for complaint in follow.complaints:
            yield f"{_who(follow)} was told {complaint}"


def the_database_was_away_where_it_is_said(history: History) -> Problems:
    """That the database does not answer is said only while it is away or a node frozen, and for 10 s afterwards."""
    spells = [spell for spell in history.spells if spell.kind in KEEP_FROM_THE_DATABASE]
    for away in history.away:
        if not any(spell.began <= away.until and away.since <= spell.ended + LATEST for spell in spells):
            ago = min((away.since - spell.ended for spell in spells if spell.began <= away.until), default=None)
            yield f"{away.who}: {away.what}, {ago} s after the last fault that accounts for it"


def nodes_logged_nothing_unexpected(history: History) -> Problems:
    """No node logged an error that the faults do not account for."""
    yield from history.logged


CHECKS: tuple[Callable[[History], Problems], ...] = (
    nodes_agree,
    the_database_agrees,
    starts_are_recorded,
    logs_have_no_gap,
    logs_follow_the_graph,
    rows_are_folds,
    nothing_was_invented,
    accepted_callbacks_are_recorded_once,
    refused_callbacks_are_recorded_once,
    intrusions_are_recorded,
    only_workflows_move_deploys,
    nothing_is_recorded_of_what_is_turned_away,
    answers_are_as_agreed,
    everybody_was_answered,
    what_was_answered_comes_first,
    looks_are_never_behind,
    viewers_saw_everything_once,
    viewers_saw_the_fold,
    viewers_went_on_where_they_were,
    viewers_have_caught_up,
    viewers_were_told_no_error,
    nodes_logged_nothing_unexpected,
)


# Held against a soak only: on a machine that is busy with other things, a short run's database may not answer in time.
ALSO_OF_A_SOAK = (the_database_was_away_where_it_is_said,)


def folds(log: Iterable[Entry]) -> list[Stand]:
    """How a deploy stands after each entry of its log, by the model."""
    reports: list[model.Report] = []
    stands: list[Stand] = []
    for place, entry in enumerate(log):
        if place and entry.accepted:
            reports.append((entry.attempt, entry.target))
        if not stands or entry.accepted:
            attempt, status = reports[-1] if reports else (1, model.START)
            phases: Phases = tuple((key, told.state, told.attempt) for key, told in model.phases(reports).items())
        stands.append(Stand(entry.sequence, status, attempt, phases))
    return stands


def _deploys(history: History) -> dict[str, Told]:
    return next(iter(history.told.values()))


def _log(history: History, deploy: str) -> list[Entry]:
    told = _deploys(history).get(deploy)
    return told.log if told else []


def _answered(history: History) -> Callable[[str, float], int]:
    """The newest sequence of a deploy that somebody had been told of at some time."""
    told: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
    for sending in history.sendings:
        if sending.answer in (Answer.ACCEPTED, Answer.DUPLICATE):
            told[sending.deploy].append((sending.answered, sending.sequence))

    def newest(deploy: str, at: float) -> int:
        return max((sequence for when, sequence in told[deploy] if when < at), default=0)

    return newest


def _said(sending: Sending) -> tuple[str, str, int, str | None]:
    return sending.deploy, sending.status, sending.attempt, sending.actor


def _refusal(status: str, attempt: int, entry: Entry) -> str | None:
    if entry.target not in model.STATUSES:
        return "UNKNOWN_STATUS"
    if entry.attempt < attempt:
        return "STALE_ATTEMPT"
    return None if model.is_legal(status, attempt, entry.target, entry.attempt) else "ILLEGAL_TRANSITION"


def _judged(refusal: str | None) -> str:
    return f"refused as {refusal}" if refusal else "accepted"


def _who(follow: Follow) -> str:
    return f"{follow.deploy}: {follow.viewer}, following {'all entries' if follow.everything else 'transitions'},"


def _stretch(follow: Follow, stretch: Stretch, log: list[Entry], answered: int) -> Problems:
    kind = [entry.sequence for entry in log if follow.everything or entry.accepted]
    seen = [event.entry.sequence for event in stretch.events]
    if not seen:
        return
    after = stretch.after
    if after is None:
        # The first event shows the deploy as it stands, with the newest entry of the kind up to there.
        stands_at = stretch.events[0].stand.sequence
        if stands_at < answered:
            yield f"{_who(follow)} was shown the deploy at {stands_at}, though {answered} had been answered"
        after = max([sequence for sequence in kind if sequence <= stands_at], default=1) - 1
    expected = [sequence for sequence in kind if sequence > after][: len(seen)]
    if seen != expected:
        yield f"{_who(follow)} asked for what is after {stretch.after} and saw {seen}, where the log has {expected}"


def _event(follow: Follow, stretch: Stretch, event: Event, log: list[Entry], stands: list[Stand]) -> Problems:
    here = f"{_who(follow)} saw entry {event.entry.sequence}"
    first = stretch.after is None and event is stretch.events[0]
    # The first event of one who names no entry shows the deploy as it stands, perhaps some refusals later.
    at = event.stand.sequence if first else event.entry.sequence
    if not 1 <= event.entry.sequence <= at <= len(log):
        yield f"{here} of a deploy at {event.stand.sequence}, where the log has {len(log)}"
        return
    recorded = log[event.entry.sequence - 1]
    if event.entry != recorded:
        yield f"{here} as {event.entry}, and recorded is {recorded}"
    if event.stand != stands[at - 1]:
        yield f"{here} with the deploy at {event.stand}, and the log says {stands[at - 1]}"
