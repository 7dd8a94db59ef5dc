"""The tables of an older version become those of this one, and the migrations end where the declarations are."""

import json
import subprocess
import sys

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from sqlalchemy import create_engine, insert, inspect, select, text

from mnist_core.config import RunConfig
from mnist_core.errors import StoreError
from mnist_core.store import RunStore, migrations, schema
from mnist_core.store.drawings import Drawings
from mnist_core.store.tables import metadata, runs, version
from tests.helpers import ROOT, assert_friendly

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def empty(settings, home):
    """A database without a table."""
    home.mkdir(exist_ok=True)
    engine = create_engine(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def oldest(empty):
    """A database as the first version left it, with a run in it, and without its version."""
    script = migrations.revisions()
    with empty.begin() as connection:
        here = migrations.context(connection)
        with migrations.Operations.context(here):
            script.get_revision(schema.FIRST).module.upgrade()
        old = {c["name"] for c in inspect(connection).get_columns("runs")}
        config = RunConfig()
        row = {"id": "an-old-run", "name": "old", "note": "", "recipe": "", "config": config.to_json()}
        row |= {"parameters": config.parameters, "status": "finished", "wish": "", "message": "", "created": 1.0}
        row |= {"queued": 1.0, "worker": "", "device": "", "epoch": 0, "step": 0, "steps": 0, "train_seconds": 0.0}
        assert row.keys() <= old
        names = ", ".join(row)
        connection.execute(text(f"INSERT INTO runs ({names}) VALUES (:{', :'.join(row)})"), row)
    return empty


def differences(engine):
    with engine.connect() as connection:
        return compare_metadata(migrations.context(connection), metadata)


def test_the_migrations_lead_to_the_declared_tables(empty):
    with empty.begin() as connection:
        migrations.upgrade(connection)
    assert differences(empty) == []
    assert migrations.revisions().get_current_head() == schema.HEAD


def test_a_new_database_has_the_declared_tables_and_their_version(store, empty):
    assert differences(empty) == []
    with store.database.read() as connection:
        assert connection.execute(select(version.c.version_num)).scalars().all() == [schema.HEAD]


def test_a_database_of_the_first_version_keeps_its_runs(oldest, settings):
    store = RunStore(settings.database_url)
    run = store.get("an-old-run")
    assert (run.name, run.owner, run.deaths, run.settings) == ("old", "", 0, RunConfig())
    store.create(RunConfig())
    store.database.close()
    assert differences(oldest) == []
    RunStore(settings.database_url).database.close()  # a second time nothing happens


def test_strokes_of_drawings_from_before_are_counted(empty, settings):
    """One that is looked at again is the same as long as no stroke is added."""
    script, strokes = migrations.revisions(), [{"points": [[0, 0]]}, {"points": [[1, 1]]}]
    with empty.begin() as connection:
        here = migrations.context(connection)
        with migrations.Operations.context(here):
            for revision in ("0001", "0002", "0003"):
                script.get_revision(revision).module.upgrade()
        version.create(connection)
        connection.execute(version.insert().values(version_num="0003"))
        row = {"owner": "me", "id": "seven", "time": 1.0, "image": bytes(784), "strokes": json.dumps(strokes)}
        row |= {"answer": "7", "sure": 0.9, "label": 7}
        names = ", ".join(row)
        connection.execute(text(f"INSERT INTO drawings ({names}) VALUES (:{', :'.join(row)})"), row)
    store = RunStore(settings.database_url)
    mine, image = Drawings(store.database, "me"), np.zeros((28, 28), np.uint8)
    assert mine.remember("seven", image, strokes, "7", 0.9)
    assert not mine.remember("seven", image, [*strokes, strokes[0]], "7", 0.9)
    store.database.close()
    assert differences(empty) == []


def test_a_database_of_a_newer_version_is_told_and_left_as_it_is(store, settings):
    with store.database.write() as connection:
        connection.execute(version.update().values(version_num="9999"))
    with pytest.raises(StoreError) as error:
        RunStore(settings.database_url)
    assert_friendly(error, "'9999'", "update MNIST Lab")
    with store.database.read() as connection:
        assert connection.execute(select(version.c.version_num)).scalar() == "9999"


def test_a_migration_that_fails_changes_nothing(oldest, settings, monkeypatch):
    def half(connection, found):
        connection.execute(text("ALTER TABLE runs ADD COLUMN half INTEGER"))
        raise RuntimeError("the power went")

    monkeypatch.setattr(migrations, "upgrade", half)
    with pytest.raises(RuntimeError):
        RunStore(settings.database_url)
    with oldest.connect() as connection:
        names = {column["name"] for column in inspect(connection).get_columns("runs")}
        assert "half" not in names
        assert connection.execute(select(runs.c.id)).scalars().all() == ["an-old-run"]


def test_opening_a_database_needs_no_alembic(settings, store):
    code = f"import sys; from mnist_core.store import RunStore; RunStore({settings.database_url!r}).list(); "
    code += "assert 'alembic' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_text_that_no_database_can_hold_is_kept_as_far_as_it_can(store):
    run_id = store.create(RunConfig(), "a\ud800b")
    store.annotate(run_id, "line\none\x00two")
    run = store.get(run_id)
    assert (run.name, run.note) == ("a?b", "line\nonetwo")
    with store.database.write() as connection:
        connection.execute(insert(metadata.tables["events"]).values(run_id=run_id, time=1.0, text="x\x00\udcffy"))
    assert store.events(run_id)[-1]["text"] == "x\ufffd?y"
