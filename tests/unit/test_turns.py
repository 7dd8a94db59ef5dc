"""Whose turn it is: against a plain simulation of a class, and by rules that hold for every queue."""

from hypothesis import given
from hypothesis import strategies as st

from mnist_core.turns import Waiting, expected_starts, fair_order


def line(owner, count, since=0.0):
    return [Waiting(f"{owner}{i}", owner, since + i) for i in range(count)]


def ids(order):
    return [run.run_id for run in order]


def test_ten_runs_of_one_do_not_hold_up_the_one_of_another():
    many, one = line("a", 10), line("b", 1, since=100)
    assert ids(fair_order(many + one))[:3] == ["a0", "b0", "a1"]
    assert ids(fair_order(many + one, running=["a"]))[:2] == ["b0", "a0"]
    assert ids(fair_order(many + one, served={"a": 200.0}))[:2] == ["b0", "a0"]


def test_nobody_who_comes_later_is_put_before_who_waits_longer():
    waited, came = line("a", 1, since=50), line("b", 1, since=60)
    assert ids(fair_order(waited + came, served={"a": 40.0})) == ["a0", "b0"]


def test_who_trains_less_goes_first():
    assert ids(fair_order(line("a", 1) + line("b", 1, since=9), running=["a", "a", "b"])) == ["b0", "a0"]


def test_what_only_waits_to_be_stopped_goes_before_all():
    stop = Waiting("stop", "a", 500.0, urgent=True)
    assert ids(fair_order([*line("a", 2), *line("b", 1), stop]))[0] == "stop"


owners = st.sampled_from("abcd")
queues = st.lists(st.tuples(owners, st.integers(0, 50)), max_size=25).map(
    lambda rows: [Waiting(f"{i}", owner, float(when)) for i, (owner, when) in enumerate(rows)]
)


@given(queues, st.lists(owners, max_size=4), st.dictionaries(owners, st.floats(0, 60)))
def test_each_is_there_once_oldest_first_within_each_and_no_visitor_is_two_turns_ahead(waiting, running, served):
    order = fair_order(waiting, running, served)
    assert sorted(ids(order)) == sorted(ids(waiting))
    for owner in "abcd":
        own = [run.queued for run in order if run.owner == owner]
        assert own == sorted(own)
    for end in range(len(order)):
        # Whoever still waits has had, with what trains, at most one turn less than anybody who was let go first.
        turns = {o: sum(run.owner == o for run in order[:end]) + running.count(o) for o in "abcd"}
        left = {run.owner for run in order[end:]}
        went = {run.owner for run in order[:end]}
        assert all(turns[ahead] <= turns[behind] + 1 for ahead in went for behind in left)


def test_one_worker_serves_a_class_in_turns():
    """Ten runs of one, and one each of three others who come while one trains: they are next."""
    waiting, served, began, clock = line("a", 10), {}, [], 100.0
    for step in range(13):
        if step == 2:
            waiting += line("b", 1, clock - 5) + line("c", 1, clock - 4)
        if step == 6:
            waiting += line("d", 1, clock - 5)
        run = fair_order(waiting, served=served)[0]
        waiting.remove(run)
        began.append(run.owner)
        clock += 10
        served[run.owner] = clock
    assert "".join(began) == "aabcaadaaaaaa"


def test_starts_are_when_a_worker_is_free():
    assert expected_starts([10, 10, 10], [], workers=1) == [0, 10, 20]
    assert expected_starts([10, 5, 1], [4.0, 30.0], workers=2) == [4, 14, 19]
    assert expected_starts([1, 1], [3.0], workers=2) == [0, 1]
    assert expected_starts([1], [-2.0], workers=1) == [0], "what should have ended will at any moment"
    assert expected_starts([], [1.0], workers=1) == []
