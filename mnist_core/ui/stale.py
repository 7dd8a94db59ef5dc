"""What a part of a page does not draw again goes from the screen, also where another part is drawn right after it.

A browser takes away what a fragment has not drawn again when it is told that the fragment's run has ended. What it is
to be told waits in a queue for some milliseconds, and a run that begins meanwhile clears that queue: what is left of
the run before is dropped, and its end becomes one that was cut short. Of another fragment's run nothing is dropped, and
yet its end is changed in the same way. A button that was not drawn again then stays on the screen, beside the one in
its place, until its fragment is drawn the next time. The status line, which draws itself every three seconds, makes
that happen again and again (Streamlit 1.65 to 1.67, ``runtime/forward_msg_queue.py``).
"""

from __future__ import annotations

from functools import wraps

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

WHOLE = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY


def keep_ends() -> None:
    """Has the queues of this process keep the ends of fragments of which nothing is dropped; once is enough."""
    if getattr(ForwardMsgQueue.clear, "keeps_ends", False):
        return
    clear = ForwardMsgQueue.clear

    @wraps(clear)
    def clear_and_keep_ends(
        queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        before = [(word, word.script_finished) for word in queue._queue]
        clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        # A page that begins anew draws everything, and says itself what is to go.
        if not fragment_ids_this_run:
            return
        left, dropped = {id(word) for word in queue._queue}, False
        for word, end in before:
            dropped |= id(word) not in left
            if word.HasField("script_finished"):
                if end == WHOLE and not dropped:
                    word.script_finished = end
                dropped = False

    clear_and_keep_ends.keeps_ends = True
    ForwardMsgQueue.clear = clear_and_keep_ends
