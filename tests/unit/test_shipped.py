"""The flagship is a run that nobody has to train, and that nobody can change."""

import numpy as np
import pytest

from mnist_core.data import mnist
from mnist_core.errors import UnknownRun
from mnist_core.recipes import recipe
from mnist_core.store import shipped
from mnist_core.store.shipped import FLAGSHIP
from tests.helpers import assert_friendly


def test_it_is_there_on_a_fresh_machine_and_in_no_list_of_own_runs(store):
    run = store.get(FLAGSHIP)
    assert run.usable and run.recipe == "flagship" and not run.active
    assert [run.id for run in store.usable()] == [FLAGSHIP]
    assert store.list() == [] and store.statistics() == {}


def test_it_is_a_run_of_its_recipe(store):
    run = store.get(FLAGSHIP)
    assert run.settings == recipe("flagship").config
    assert run.parameters == run.settings.parameters
    assert store.last_epoch(FLAGSHIP)["epoch"] == run.epoch == run.settings.training.epochs
    assert len(store.epochs(FLAGSHIP, after=2)) == run.epoch - 2


def test_its_kept_probabilities_have_its_accuracy(store):
    probabilities = store.load_array(FLAGSHIP, "test_probabilities")
    right = (probabilities.argmax(axis=1) == mnist.load("test").labels).mean()
    assert right == pytest.approx(store.get(FLAGSHIP).test_accuracy)
    calibration = store.calibration(FLAGSHIP)
    assert 0.2 < calibration.temperature < 5 and 0.1 < calibration.threshold < 1


def test_it_is_small():
    assert (shipped.FOLDER / "model.keras").stat().st_size < 2_000_000
    assert sum(file.stat().st_size for file in shipped.FOLDER.iterdir()) < 2_100_000


@pytest.mark.parametrize("change", ["rename", "annotate"])
def test_nobody_changes_it(store, change):
    with pytest.raises(UnknownRun) as refused:
        getattr(store, change)(FLAGSHIP, "mine")
    assert_friendly(refused)
    with pytest.raises(UnknownRun):
        store.delete(FLAGSHIP)


def test_another_folder_can_be_written_and_holds_the_same(store, tmp_path):
    blobs = {name: store.load_blob(FLAGSHIP, name) for name in shipped.BLOBS}
    shipped.write(store.get(FLAGSHIP), store.epochs(FLAGSHIP), blobs, tmp_path / "made")
    for file in shipped.FOLDER.iterdir():
        assert (tmp_path / "made" / file.name).read_bytes() == file.read_bytes()


def test_it_reads_real_digits_with_the_accuracy_it_tells(engine):
    _, store, client = engine
    test = mnist.load("test")
    probabilities = client.predict(FLAGSHIP, test.images)
    kept = store.load_array(FLAGSHIP, "test_probabilities")
    assert (probabilities.argmax(axis=1) == kept.argmax(axis=1)).mean() > 0.9995
    np.testing.assert_allclose(probabilities, kept, atol=0.05)
