"""What several processes may not each have stays together when they divide the tests."""

import pytest

from tests.scheduling import WITH_ENGINE, share


@pytest.mark.parametrize("costly", ["engine", "server", "browser"])
def test_all_tests_that_take_it_are_in_one_share(request, costly):
    takers = [item.nodeid for item in request.session.items if costly in item.fixturenames]
    assert len({share(taker) for taker in takers}) <= 1, f"name the files in tests/scheduling.py: {takers}"


def test_every_file_that_is_named_is_there(request):
    assert [file for file in WITH_ENGINE if not (request.config.rootpath / file).is_file()] == []


def test_any_other_file_is_a_share_of_its_own():
    names = ("a.py::test[x::y]", "a.py::test", "tests/e2e/test_a.py::test", "b.py::test", "tests/e2e/test_b.py::test")
    assert [share(name) for name in names] == ["a.py", "a.py", "tests/e2e/", "b.py", "tests/e2e/"]
