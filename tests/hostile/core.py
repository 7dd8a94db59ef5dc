"""Attacks on the core: every way in which text and bytes from outside reach it."""

from urllib.parse import parse_qsl

from hypothesis import strategies as st

from mnist_core import ink
from mnist_core.config import RunConfig, parse_value
from mnist_core.errors import LabError
from mnist_core.explore import compare
from mnist_core.explore.design import Design
from mnist_core.explore.lesson import Lesson
from mnist_core.explore.questions import QUESTIONS
from mnist_core.explore.space import Dimension
from mnist_core.models.archive import unpack
from mnist_core.models.upload import gather
from mnist_core.models.vetting import vet
from mnist_core.store.expectations import expect, expected
from mnist_core.store.runs import NAME_LENGTH, NOTE_LENGTH
from mnist_core.store.shipped import BLOBS
from mnist_core.ui.strokes import render
from mnist_core.ui.words import escaped
from tests.helpers import assert_friendly
from tests.hostile import files, inputs
from tests.hostile.target import Attack, Harm, vanishing
from tests.rows import epoch, point


def told(call, *arguments):
    """Calls, and gives what it gives; an answer in words is looked at, and then passed over."""
    try:
        return call(*arguments)
    except LabError as error:
        assert_friendly(error)
        return None


def try_config(at, data):
    config = RunConfig.parse(data)
    run_id = at.store.create(config)
    if at.store.get(run_id).settings != config:
        raise Harm("a configuration came back as another")
    at.store.delete(run_id)


def try_change(at, change):
    key, text = change
    RunConfig().replace({key: parse_value(text)})


def try_link(at, parameters):
    lesson = Lesson.of_link(parameters)
    back = Lesson.of_link(dict(parse_qsl(lesson.link()[1:], keep_blank_values=True)))
    if back != lesson:
        raise Harm("a link came back as another")


def try_design(at, text):
    design = Design.parse(text)
    sweep_id = at.sweeps.create(design, name=text)
    if at.sweeps.get(sweep_id).design != design:
        raise Harm("a design came back as another")
    at.sweeps.update(sweep_id, status="stopped")
    at.sweeps.delete(sweep_id)


def try_dimension(at, text):
    Dimension.parse(text)


def try_words(at, texts):
    name, note = map(at.place, texts)
    run_id = at.store.create(RunConfig(), name)
    try:
        told(at.store.rename, run_id, name)
        at.store.annotate(run_id, note)
        at.store.record(run_id, {"message": note}, event=name)
        run = at.store.get(run_id)
        if not run.name or len(run.name) > NAME_LENGTH or len(run.note) > NOTE_LENGTH:
            raise Harm("a name or note is longer than it may be, or there is none")
        clean = note.isascii() and "\x00" not in note
        if clean and run.note != note.strip()[:NOTE_LENGTH]:
            raise Harm("a note was not kept as it was written")
        for text in (run.name, run.note):
            text.encode()
            escaped(text)
    finally:
        at.store.delete(run_id)


def try_id(at, text):
    run_id = at.place(text)
    store, sweeps = at.store, at.sweeps
    for call in (store.get, store.delete, store.resume, sweeps.get, sweeps.delete, sweeps.stop):
        told(call, run_id)
    for call in (store.events, store.epochs, store.batches, sweeps.trials, store.last_epoch):
        if told(call, run_id):
            raise Harm("an id that does not exist has something")
    for name in (run_id, "model.keras"):
        known = run_id in BLOBS  # a generated text may be one of the few names that a run does have
        if told(store.load_blob, run_id, name) or (told(store.load_blob, at.kept, run_id) and not known):
            raise Harm("a file came by an id or a name that is none")
    for call, argument in ((store.rename, "x"), (store.annotate, "x"), (store.ask, "stop"), (sweeps.choose, at.kept)):
        told(call, run_id, argument)
    told(compare.find, store, [run_id, run_id])
    told(expect, store.database, run_id, 0.5)
    told(expected, store.database, run_id)


def try_picture(at, data):
    picture = ink.open_picture(data)
    for way in (ink.trace, ink.cut):
        told(way, picture)


def try_array(at, data):
    path = at.home / "upload.npy"
    path.write_bytes(data)
    for picture in ink.open_pictures(path):
        told(ink.trace, picture)


def try_model(at, chosen):
    upload = gather([(at.place(name), data) for name, data in chosen])
    config, _ = unpack(upload)
    if "Lambda" in str(vet(config)):
        raise Harm("program code got through")


def try_strokes(at, drawing):
    image = render(drawing["objects"] if isinstance(drawing, dict) and "objects" in drawing else drawing, 64)
    told(ink.trace, ink.canvas(image, (0, 0, 0)))


RUN_CALLS = (
    lambda at, run_id: at.store.get(run_id),
    lambda at, run_id: at.store.rename(run_id, "x"),
    lambda at, run_id: at.store.annotate(run_id, "x"),
    lambda at, run_id: at.store.ask(run_id, "stop"),
    lambda at, run_id: at.store.ask(run_id, "pause"),
    lambda at, run_id: at.store.resume(run_id),
    lambda at, run_id: at.store.delete(run_id),
    lambda at, run_id: at.store.mark_running(run_id),
    lambda at, run_id: at.store.requeue(run_id),
    lambda at, run_id: at.store.start(run_id, "host:1", "CPU"),
    lambda at, run_id: at.store.record(run_id, {"step": 9}, [point(9)], [epoch(2)], {"checkpoint": b"x"}, "More."),
    lambda at, run_id: at.store.forget_after(run_id, 0, 0),
    lambda at, run_id: at.store.keep(run_id, "first_layer", b"x"),
    lambda at, run_id: at.store.load_array(run_id, "test_probabilities"),
    lambda at, run_id: at.store.usable(),
    lambda at, run_id: expect(at.store.database, run_id, 0.5),
    lambda at, run_id: compare.find(at.store, [at.kept, run_id]),
)


def try_deleted_run(at, plan):
    """A run is deleted while it is worked with."""
    calls, access = plan
    run_id = at.waiting()
    with vanishing(at, lambda store: told(store.delete, run_id), access):
        for number in calls:
            told(RUN_CALLS[number], at, run_id)
    told(at.store.delete, run_id)
    left = at.store.epochs(run_id), at.store.batches(run_id), at.store.events(run_id)
    if any(left) or at.store.load_blob(run_id, "first_layer"):
        raise Harm("something of a deleted run is left")


QUESTION = next(iter(QUESTIONS.values()))
SWEEP_CALLS = (
    lambda at, sweep_id: at.sweeps.get(sweep_id),
    lambda at, sweep_id: at.sweeps.trials(sweep_id),
    lambda at, sweep_id: at.sweeps.epochs(sweep_id),
    lambda at, sweep_id: at.sweeps.stop(sweep_id),
    lambda at, sweep_id: at.sweeps.go_on(sweep_id, 1),
    lambda at, sweep_id: at.sweeps.update(sweep_id, status="stopped"),
    lambda at, sweep_id: at.sweeps.choose(sweep_id, at.kept),
    lambda at, sweep_id: at.sweeps.delete(sweep_id),
)


def try_deleted_sweep(at, plan):
    calls, access = plan
    sweep_id = at.sweeps.create(QUESTION.design, "to be deleted")
    at.sweeps.update(sweep_id, status="stopped")
    with vanishing(at, lambda _: told(at.sweeps.delete, sweep_id), access):
        for number in calls:
            told(SWEEP_CALLS[number], at, sweep_id)
    at.sweeps.update(sweep_id, status="stopped") if sweep_id in {s.id for s in at.sweeps.list()} else None
    told(at.sweeps.delete, sweep_id)


def plans(calls):
    return st.tuples(st.lists(st.integers(0, len(calls) - 1), min_size=1, max_size=4), st.integers(0, 9))


ATTACKS = (
    Attack("configurations", inputs.configurations, try_config),
    Attack("changes of settings", inputs.changes, try_change),
    Attack("links", inputs.links, try_link),
    Attack("designs of sweeps", inputs.designs, try_design),
    Attack("ranges", inputs.dimensions, try_dimension),
    Attack("names and notes", st.tuples(inputs.texts, inputs.texts), try_words, inputs.WORST_WORDS),
    Attack("ids", inputs.texts, try_id),
    Attack("pictures", files.pictures, try_picture, files.ONE_OF_EACH),
    Attack("arrays", files.arrays, try_array),
    Attack("model files", files.models, try_model, ([("model.keras", files.BOMB)],)),
    Attack("strokes", inputs.strokes, try_strokes),
    Attack("runs deleted meanwhile", plans(RUN_CALLS), try_deleted_run),
    Attack("sweeps deleted meanwhile", plans(SWEEP_CALLS), try_deleted_sweep),
)
