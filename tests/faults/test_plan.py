"""A plan of faults is a function of its seed."""

from tests.faults.plan import OF_NODES, OF_THE_DATABASE, OF_WIRES, WIRES, Kind, Pace, plan

PACE = Pace(down=(1, 2), frozen=(5, 6), silent=(3, 4), stalled=(7, 8))


def test_a_seed_gives_the_same_plan_again_and_another_one_another() -> None:
    assert plan(7, 60, 3, PACE) == plan(7, 60, 3, PACE)
    assert plan(7, 60, 3, PACE) != plan(8, 60, 3, PACE)


def test_every_kind_of_fault_is_in_every_plan_and_on_each_wire() -> None:
    for seed in range(20):
        planned = plan(seed, 60, 2, PACE)
        assert {fault.kind for fault in planned} == set(Kind)
        assert {(fault.kind, fault.whom) for fault in planned if fault.kind in OF_WIRES} == {
            (kind, wire) for kind in OF_WIRES for wire in WIRES
        }
        times = [fault.at for fault in planned]
        assert times == sorted(times)
        assert 0 <= times[0] <= times[-1] <= 60


def test_a_database_that_is_a_file_has_no_faults_of_a_server() -> None:
    planned = plan(1, 60, 2, PACE, of_the_database=False)
    assert {fault.kind for fault in planned} == set(Kind) - set(OF_THE_DATABASE)


def test_of_three_nodes_the_last_is_never_ended_and_the_others_are() -> None:
    planned = [fault for seed in range(50) for fault in plan(seed, 60, 3, PACE) if fault.kind in OF_NODES]
    assert {fault.whom for fault in planned if fault.kind is Kind.FREEZE} == {"0", "1", "2"}
    assert {fault.whom for fault in planned if fault.kind is not Kind.FREEZE} == {"0", "1"}


def test_a_plan_can_be_read() -> None:
    frozen = next(fault for fault in plan(1, 60, 2, PACE) if fault.kind is Kind.FREEZE)
    assert f"FREEZE [{frozen.whom}]" in str(frozen)
    assert f"for {frozen.lasts:.1f} s" in str(frozen)
