"""Two runs image by image on the Compare page: the right pictures under the right name, computed once."""

import io
import re

import numpy as np
import pytest

from mnist_core.explore import compare
from tests.pages.conftest import healthy


@pytest.fixture
def other(finish, store, read):
    """A run that reads every twentieth image otherwise: wrongly or, where the first errs, perhaps rightly."""

    def other(name, every=20):
        probabilities = read.probabilities.copy()
        probabilities[::every] = np.roll(probabilities[::every], 1, axis=1)
        packed = io.BytesIO()
        np.save(packed, probabilities)
        run_id = finish(name)
        store.record(run_id, {}, files={"test_probabilities": packed.getvalue()})
        return run_id, probabilities.argmax(axis=1)

    return other


def galleries(app):
    """By the name above it, what the captions of a gallery say: number, label, what the other run reads."""
    found, name = {}, ""
    for element in app.main:
        if element.type == "markdown" and (title := re.search(r"images only (.*) reads rightly", element.value)):
            name = title[1]
        elif element.type == "html" and "<figure" in element.proto.body and name not in ("", *found):
            captions = re.findall(r"no\. (\d+)<br>a (\d)<br>other: (\d)", element.proto.body)
            found[name] = [tuple(map(int, caption)) for caption in captions]
    return found


def test_a_gallery_shows_what_the_run_above_it_alone_reads(visit, finish, other, read):
    first, (second, its) = finish("plain"), other("rolled")
    shown = galleries(visit("Compare", runs=f"{first},{second}"))
    mine = read.predicted
    for name, right, wrong in (("plain", mine, its), ("rolled", its, mine)):
        alone = np.flatnonzero((right == read.labels) & (wrong != read.labels))
        assert shown[name] == [(i, read.labels[i], wrong[i]) for i in alone[:24]] != []


def test_nothing_of_a_pair_is_computed_again_when_other_curves_are_drawn(visit, finish, other, monkeypatch):
    runs = finish("plain"), other("rolled")[0], other("rolled too", 30)[0]
    app, computed = visit("Compare", runs=",".join(runs)), []
    for name in ("mark", "pair", "tests_of_pairs"):
        real = getattr(compare, name)
        monkeypatch.setattr(compare, name, lambda *a, name=name, real=real: computed.append(name) or real(*a))
    healthy(app.selectbox(key="metric").set_value("loss").run())
    assert computed == []
    healthy(app.selectbox(key="second").set_value(runs[2]).run())
    assert computed == ["pair"]
    healthy(app.multiselect(key="compare").set_value(list(runs[:2])).run())
    assert computed.count("tests_of_pairs") == 1
