"""Streamlit's own queue of words to a browser: the end of a fragment's run outlives the beginning of another's."""

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from mnist_core.ui.stale import clear_stale_parts

WHOLE, EARLY = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN
PAGE = ForwardMsg.FINISHED_SUCCESSFULLY


@pytest.fixture
def ours(monkeypatch):
    clear = ForwardMsgQueue.clear
    monkeypatch.setattr(ForwardMsgQueue, "clear", getattr(clear, "__wrapped__", clear))
    clear_stale_parts()
    clear_stale_parts()  # as every page does


def waiting(how, fragment="desk"):
    """A queue in which a run has drawn a button and ended; nothing of it has been sent yet."""
    queue = ForwardMsgQueue()
    drawn, end = ForwardMsg(), ForwardMsg()
    drawn.delta.fragment_id = fragment
    drawn.delta.new_element.button.label = "7"
    drawn.metadata.delta_path.extend([0, 4])
    end.script_finished = how
    queue.enqueue(drawn)
    queue.enqueue(end)
    return queue


def sent(queue):
    words = queue.flush()
    kinds = [word.WhichOneof("type") for word in words]
    return kinds, [word.script_finished for word in words if word.HasField("script_finished")]


def test_a_run_has_ended_though_another_fragment_begins(ours):
    queue = waiting(WHOLE)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["status line"])
    assert sent(queue) == (["delta", "script_finished"], [WHOLE])


def test_a_run_whose_words_are_dropped_was_cut_short(ours):
    queue = waiting(WHOLE)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["status line", "desk"])
    assert sent(queue) == (["script_finished"], [EARLY])


def test_a_page_that_begins_anew_cuts_short_what_was_drawn(ours):
    for how, fragment in ((WHOLE, "desk"), (PAGE, "")):
        queue = waiting(how, fragment)
        queue.clear(retain_lifecycle_msgs=True)
        assert sent(queue) == (["script_finished"], [EARLY])


def test_a_run_that_was_cut_short_stays_so(ours):
    queue = waiting(EARLY)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["status line"])
    assert sent(queue) == (["delta", "script_finished"], [EARLY])


def test_all_goes_where_all_is_to_go(ours):
    queue = waiting(WHOLE)
    queue.clear()
    assert queue.is_empty()


def test_streamlit_does_not_do_so_itself(ours):
    """Where this fails, Streamlit has mended it, and ``ui/stale.py`` can go."""
    queue = waiting(WHOLE)
    ForwardMsgQueue.clear.__wrapped__(queue, retain_lifecycle_msgs=True, fragment_ids_this_run=["status line"])
    assert sent(queue) == (["delta", "script_finished"], [EARLY])


def test_every_page_asks_for_it(visit, monkeypatch):
    clear = ForwardMsgQueue.clear
    monkeypatch.setattr(ForwardMsgQueue, "clear", getattr(clear, "__wrapped__", clear))
    visit("Data")
    assert hasattr(ForwardMsgQueue.clear, "__wrapped__")
