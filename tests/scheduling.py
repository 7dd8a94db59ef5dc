"""Which tests stay in one process when several run them: those of a file, and those that share something costly."""

from xdist.scheduler import LoadScopeScheduling

JOURNEYS = "tests/e2e/"
"""One server, one engine and one browser for all of them."""

WITH_ENGINE = {
    "tests/pages/test_draw.py",
    "tests/pages/test_draw_number.py",
    "tests/pages/test_files.py",
    "tests/pages/test_robustness.py",
    "tests/pages/test_why.py",
    "tests/unit/test_cli_evaluate.py",
    "tests/unit/test_cli_explore.py",
    "tests/unit/test_cli_models.py",
    "tests/unit/test_cli_recipes.py",
    "tests/unit/test_cli_serve.py",
    "tests/unit/test_cli_train.py",
    "tests/unit/test_engine.py",
    "tests/unit/test_files.py",
    "tests/unit/test_flagship.py",
    "tests/unit/test_killed.py",
    "tests/unit/test_pruned.py",
    "tests/unit/test_shipped.py",
}
"""Files with tests that take the ``engine``: in two processes there would be two, of a gigabyte for each worker."""


def share(nodeid):
    """What a test belongs to that runs in one process, in its order."""
    file = nodeid.partition("::")[0]
    if file.startswith(JOURNEYS):
        return JOURNEYS
    return "the engine's" if file in WITH_ENGINE else file


class Scheduling(LoadScopeScheduling):
    """A whole share at a time, in the order in which they are found."""

    def _split_scope(self, nodeid):
        return share(nodeid)
