"""The check of a log, and the Merkle tree: their pure parts, given logs that were made here and then changed."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaseline_schema.audit import checkpoints, stored
from phaseline_schema.audit.checkpoints import Leaf, NoCheckpoint
from phaseline_schema.audit.findings import FaultKind
from phaseline_schema.audit.merkle import Tree
from phaseline_schema.audit.verifying import verify
from phaseline_schema.pipelines import PIPELINES
from phaseline_schema.records import AuditKind, Source
from phaseline_schema.tables import audit_entries, deploys
from tests.support import chain, model

Row = dict[str, Any]

_ENTRY: Row = dict.fromkeys(audit_entries.columns.keys())
_DEPLOY: Row = dict.fromkeys(deploys.columns.keys())


# What is reported: to where, in which attempt, by whom.
Report = tuple[str, int, str]


def _log(reports: list[Report], texts: list[str], older: int) -> tuple[Row, list[Row]]:
    """A deploy's row and entries after these reports, made by the model and chained apart from the code.

    At most so many of its first entries are from before sources were kept: there were callbacks alone then.
    """
    row = _DEPLOY | {"id": "d", "environment": "e", "ref": texts[0], "pipeline": "console", "started_by": texts[1]}
    row |= {"commit_sha": None if older else texts[2]}
    are_kept = not older
    status, attempt, run_url = model.START, 1, None
    row |= {"started_at": _time(1), "updated_at": _time(1)}
    entries = [
        _entry(1, row, texts[1], kind="DEPLOY_STARTED", to_status=status, attempt=1, message=texts[2]),
    ]
    entries[0]["source"] = None if older else "OPERATOR"
    for target, reported, source in reports:
        sequence = len(entries) + 1
        are_kept = are_kept or sequence > older or source != "CALLBACK"
        told = {
            "from_status": status,
            "to_status": target,
            "attempt": reported,
            "run_url": texts[sequence % len(texts)],
            "source": source if are_kept else None,
        }
        if source == "GITHUB":
            told |= {"run_id": "17", "run_status": texts[0], "run_conclusion": texts[1]}
        if source != "CALLBACK" and not model.is_legal(status, attempt, target, reported, source):
            if source == "GITHUB" and reported >= attempt:
                told |= {"to_status": status}
                entries.append(_entry(sequence, row, texts[2], kind="RUN_REPORTED", **told))
                run_url = (told["run_url"] if reported == attempt else None) or run_url
            continue
        code = model.refusal(status, attempt, target, reported) if source == "CALLBACK" else None
        if code:
            entries.append(_entry(sequence, row, texts[2], kind="CALLBACK_REFUSED", refusal=code, **told))
            continue
        edge = {"edge_from": status, "edge_to": target}
        entries.append(_entry(sequence, row, texts[2], kind="TRANSITION", **told, **edge))
        run_url = told["run_url"] or (run_url if reported == attempt else None)
        status, attempt = target, reported
        row |= {"updated_at": _time(sequence), "finished_at": _time(sequence) if status in model.ENDS else None}
    row |= {"status": status, "attempt": attempt, "sequence": len(entries), "run_url": run_url}
    previous = None
    for entry in entries:
        previous = entry["digest"] = chain.digest(entry, row["ref"], previous, row["commit_sha"])
    return row, entries


def _entry(sequence: int, row: Row, actor: str, **more: Any) -> Row:
    given = {"id": sequence * 7, "deploy_id": "d", "sequence": sequence, "pipeline": "console", "environment": "e"}
    return _ENTRY | given | {"actor": actor, "recorded_at": _time(sequence)} | more


def _time(sequence: int) -> str:
    return f"2026-11-23 09:{sequence // 60:02}:{sequence % 60:02}.{sequence:06}"


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
_REPORTS = st.lists(
    st.tuples(
        st.sampled_from(model.STATUSES[1:]),
        st.sampled_from([1, 1, 1, 2, 3]),
        st.sampled_from(["CALLBACK", "CALLBACK", "CALLBACK", "GITHUB", "OPERATOR"]),
    ),
    max_size=12,
)
_ODD = st.one_of(st.none(), st.integers(-5, 5), st.floats(), st.binary(max_size=4), st.text(max_size=4), st.booleans())
logs = st.builds(
    _log,
    _REPORTS.map(lambda reports: _without_repeats(reports)),
    st.lists(_TEXT, min_size=3, max_size=6),
    st.integers(0, 6),
)


def _alike(column: str, value: Any) -> st.SearchStrategy[Any]:
    """Another value that the column could hold as well."""
    if isinstance(value, int):
        return st.integers(1, 20)
    if column == "digest":
        return st.just("0f" * 32)
    if column.endswith("_at"):
        return st.integers(1, 20).map(_time)
    return st.sampled_from([*model.STATUSES, "x", *AuditKind, *Source])


def _without_repeats(reports: list[Report]) -> list[Report]:
    """A repeat is answered, and never recorded, whoever said it first."""
    return [report for place, report in enumerate(reports) if report[:2] not in {of[:2] for of in reports[:place]}]


@given(logs)
def test_whatever_was_reported_the_log_holds(log: tuple[Row, list[Row]]) -> None:
    row, entries = log
    found = verify(PIPELINES, "d", row, entries)
    assert found.fault is None, found
    assert (found.entries, found.sequence, found.head) == (len(entries), len(entries), entries[-1]["digest"])


@given(logs, st.data())
def test_any_other_value_in_any_field_is_found_and_never_a_crash(
    log: tuple[Row, list[Row]], data: st.DataObject
) -> None:
    row, entries = log
    place = data.draw(st.integers(0, len(entries)))
    changed = row if place == 0 else entries[place - 1]
    # What its caller has called the request is no part of the log.
    column = data.draw(st.sampled_from(sorted(changed.keys() - {"request_id"})))
    value = data.draw(st.one_of(_ODD, _alike(column, changed[column])))
    if type(value) is type(changed[column]) and value == changed[column]:
        return
    changed[column] = value
    fault = verify(PIPELINES, "d", row, entries).fault
    assert fault is not None
    if place and column != "sequence":
        assert fault.sequence == place


@given(logs, st.data())
def test_any_other_list_of_entries_is_found(log: tuple[Row, list[Row]], data: st.DataObject) -> None:
    """Left out, doubled, in another order: in the order of their sequences, as they are read."""
    row, entries = log
    taken = data.draw(st.lists(st.sampled_from(range(len(entries))), max_size=len(entries) + 2))
    others = [entries[place] for place in sorted(taken)]
    fault = verify(PIPELINES, "d", row, others).fault
    assert (fault is None) == (sorted(taken) == list(range(len(entries))))


def test_a_deploy_without_a_row_or_without_entries_is_found() -> None:
    row, entries = _log([("building", 1, "CALLBACK")], ["a", "b", "c"], 0)
    for found in (verify(PIPELINES, "d", None, entries), verify(PIPELINES, "d", row, [])):
        assert found.fault is not None
        assert found.fault.kind is FaultKind.MISSING
    assert verify({}, "d", row, entries).fault is not None


def _root(leaves: list[bytes]) -> bytes:
    """As RFC 6962 defines it, and not as it is computed."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return hashlib.sha256(b"\x01" + _root(leaves[:left]) + _root(leaves[left:])).digest()


@given(st.lists(st.binary(max_size=5), max_size=40))
def test_the_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root == _root(leaves).hex()


def test_the_root_is_that_of_others_who_keep_to_the_definition() -> None:
    """The leaves and roots of certificate-transparency's own tests."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Tree()
    for leaf in leaves:
        tree.add(bytes.fromhex(leaf))
    assert tree.root == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


_LEAVES = st.lists(
    st.builds(Leaf, _TEXT.filter(lambda text: "\0" not in text), st.integers(1, 2**31 - 1), st.just("0f" * 32)),
    unique_by=lambda leaf: leaf.deploy_id,
)


@given(_LEAVES)
def test_a_checkpoint_is_read_as_it_was_written_whatever_the_order_of_its_leaves(leaves: list[Leaf]) -> None:
    made = checkpoints.of(leaves)
    assert checkpoints.of(reversed(leaves)) == made
    assert checkpoints.read(checkpoints.written(made)) == made
    assert checkpoints.root(made.leaves) == made.root


_LEAF = {"deployId": "d", "sequence": 1, "digest": "0" * 64}
_WHOLE = {"format": checkpoints.FORMAT, "root": "0" * 64, "leaves": [_LEAF]}


@pytest.mark.parametrize(
    "content",
    [
        *(None, 5, [], {}, "x", _WHOLE | {"format": "phaseline-checkpoint-2"}, _WHOLE | {"root": None}),
        *(
            _WHOLE | {"root": "0" * 63},
            _WHOLE | {"root": "A" * 64},
            _WHOLE | {"leaves": None},
            _WHOLE | {"leaves": [5]},
        ),
        *(_WHOLE | {"leaves": [_LEAF | {"sequence": odd}]} for odd in (0, True, 1.0, "1", None, 2**31)),
        *(_WHOLE | {"leaves": [_LEAF | {"deployId": odd}]} for odd in (5, None, "a\0", "\ud800")),
        *(_WHOLE | {"leaves": [_LEAF | {"digest": odd}]} for odd in (5, None, "0" * 63, "A" * 64)),
        _WHOLE | {"leaves": [_LEAF | {"more": 1}]},
        _WHOLE | {"leaves": [_LEAF, _LEAF]},
        _WHOLE | {"leaves": [_LEAF, _LEAF | {"sequence": 2}]},
        _WHOLE | {"leaves": [_LEAF, _LEAF | {"deployId": "c"}]},
    ],
    ids=ascii,
)
def test_what_is_no_checkpoint_is_refused(content: Any) -> None:
    assert checkpoints.read(json.dumps(_WHOLE)).leaves
    assert checkpoints.read(json.dumps(_WHOLE | {"leaves": [_LEAF, _LEAF | {"deployId": "e"}]})).leaves
    with pytest.raises(NoCheckpoint):
        checkpoints.read(json.dumps(content))


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "\ufeff{}"], ids=lambda content: ascii(content[:5]))
def test_what_is_no_json_is_no_checkpoint(content: str) -> None:
    with pytest.raises(NoCheckpoint):
        checkpoints.read(content)


@pytest.mark.parametrize(("name", "more"), [("root", '"root": "1", '), ("sequence", '"sequence": 2, ')])
def test_a_name_that_is_there_twice_makes_it_no_checkpoint(name: str, more: str) -> None:
    content = json.dumps(_WHOLE)
    with pytest.raises(NoCheckpoint, match="twice"):
        checkpoints.read(content.replace(f'"{name}"', f'{more}"{name}"', 1))


def test_the_columns_that_the_database_computes_are_those_of_the_tables() -> None:
    assert {column.name for column in audit_entries.columns if column.computed is not None} == set(stored.COMPUTED)
