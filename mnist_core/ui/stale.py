"""What a part of a page draws no longer goes from the screen, also where another part is drawn right after it.

A browser takes away what a fragment has not drawn again when it is told that the fragment has ended. What it is told
waits in a queue for some milliseconds, and a run that begins meanwhile clears that queue: words of the run before that
are dropped, and "it has ended" becomes "it was cut short". That is right where something was dropped. Of another
fragment's words nothing is, and yet its end becomes the same: a button that was drawn no longer stayed on the screen,
beside the one in its place, until its fragment was next drawn, which a status line that draws itself every three
seconds brings about again and again (Streamlit 1.67, ``runtime/forward_msg_queue.py``).
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


def clear_stale_parts() -> None:
    """Has the process's queues keep the end of a run of which nothing was dropped; once is enough, more do no harm."""
    if hasattr(ForwardMsgQueue.clear, "__wrapped__"):
        return
    clear = ForwardMsgQueue.clear

    @wraps(clear)
    def clear_and_tell(queue: ForwardMsgQueue, *args, **kwargs) -> None:
        ends = [(word, word.script_finished) for word in queue._queue if word.WhichOneof("type") == "script_finished"]
        waiting = len(queue._queue)
        clear(queue, *args, **kwargs)
        if len(queue._queue) == waiting:
            for word, how in ends:
                word.script_finished = how

    ForwardMsgQueue.clear = clear_and_tell
