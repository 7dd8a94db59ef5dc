"""Streamlit's own queue of words to a browser: the end of a fragment's run outlives the beginning of another's."""

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from mnist_core.ui.stale import keep_ends

WHOLE, EARLY = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN
PAGE = ForwardMsg.FINISHED_SUCCESSFULLY


@pytest.fixture
def streamlits(monkeypatch):
    """Streamlit's own way to clear a queue, which stands here until a test has the other one put in its place."""
    clear = ForwardMsgQueue.clear
    if getattr(clear, "keeps_ends", False):
        clear = clear.__wrapped__
    monkeypatch.setattr(ForwardMsgQueue, "clear", clear)
    return clear


@pytest.fixture
def ours(streamlits):
    keep_ends()
    keep_ends()  # as every page does
    assert ForwardMsgQueue.clear.__wrapped__ is streamlits


def run(queue, fragment, how, drawn=1):
    """Enqueues what a run tells a browser that has drawn so many elements and ended; nothing of it is sent."""
    for place in range(drawn):
        element = ForwardMsg()
        element.delta.fragment_id = fragment
        element.delta.new_element.button.label = "7"
        element.metadata.delta_path.extend([0, len(fragment), place])  # fragments have places of their own
        queue.enqueue(element)
    end = ForwardMsg()
    end.script_finished = how
    queue.enqueue(end)
    return queue


@pytest.fixture
def queue():
    return ForwardMsgQueue()


def sent(queue):
    words = queue.flush()
    kinds = [word.WhichOneof("type") for word in words]
    return kinds, [word.script_finished for word in words if word.HasField("script_finished")]


def test_a_run_has_ended_though_another_fragment_begins(ours, queue):
    run(queue, "desk", WHOLE).clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["status line"])
    assert sent(queue) == (["delta", "script_finished"], [WHOLE])


def test_a_run_has_ended_of_which_all_but_its_end_was_sent(ours, queue):
    run(queue, "desk", WHOLE, drawn=0).clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["desk"])
    assert sent(queue) == (["script_finished"], [WHOLE])


def test_a_run_of_which_something_is_dropped_was_cut_short(ours, queue):
    run(queue, "desk", WHOLE).clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["status line", "desk"])
    assert sent(queue) == (["script_finished"], [EARLY])


@pytest.mark.parametrize("order", [("desk", "status line"), ("status line", "desk")])
def test_each_run_is_judged_by_its_own_words(ours, queue, order):
    for fragment in order:
        run(queue, fragment, WHOLE, drawn=2)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["status line"])
    kinds, ends = sent(queue)
    assert kinds.count("delta") == 2
    assert dict(zip(order, ends, strict=True)) == {"desk": WHOLE, "status line": EARLY}


@pytest.mark.parametrize("drawn", [0, 1])
@pytest.mark.parametrize(("fragment", "how"), [("desk", WHOLE), ("", PAGE)])
def test_a_page_that_begins_anew_cuts_short_what_was_before(ours, queue, fragment, how, drawn):
    """Also where nothing is dropped: after a lost connection a run that stopped half-way seems to have ended well."""
    run(queue, fragment, how, drawn).clear(retain_lifecycle_msgs=True)
    assert sent(queue) == (["script_finished"], [EARLY])


@pytest.mark.parametrize("how", [EARLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR])
def test_an_end_that_was_not_whole_does_not_become_so(ours, streamlits, queue, how):
    run(queue, "desk", how).clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["status line"])
    other = run(ForwardMsgQueue(), "desk", how)
    streamlits(other, retain_lifecycle_msgs=True, fragment_ids_this_run=["status line"])
    assert sent(queue) == sent(other)


def test_all_goes_where_all_is_to_go(ours, queue):
    run(queue, "desk", WHOLE).clear()
    assert queue.is_empty()


def test_streamlit_does_not_do_so_itself(streamlits, queue):
    """Where this fails, Streamlit has mended it, and ``ui/stale.py`` can go."""
    run(queue, "desk", WHOLE).clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["status line"])
    assert sent(queue) == (["delta", "script_finished"], [EARLY])


def test_the_frame_of_every_page_asks_for_it(streamlits, visit):
    visit("Data")
    assert ForwardMsgQueue.clear.keeps_ends
