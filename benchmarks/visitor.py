"""One visitor without a browser: speaks Streamlit's own websocket protocol, as its page in a browser does."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from mnist_core.visitors import new_secret

ANSWER_SECONDS = 60.0
"""After so long without the end of a page's run, a visitor would have given up: an error."""

SIDE = 320
"""Pixels of the canvas, of which a digit takes the middle."""

SEVERAL = "from left to right"
"""What the page says when ink is cut into several digits, as happens to a few of MNIST's own."""

NO_DIGIT = "reads no digit"
"""What it says when ink may be two digits that touch, as two in a hundred of them do."""

FAILURES = ("Something in MNIST Lab went wrong", "did not answer", "asked for more than")


@dataclass
class Visitor:
    """A page that is open in a browser of its own.

    Attributes:
        timers: seconds between two runs of each fragment that asked to be run again and again.
        errors: what a reader would have been shown as an error.
    """

    connection: ClientConnection
    page: str
    query: str
    timers: dict[str, float] = field(default_factory=dict)
    widgets: dict[str, str] = field(default_factory=dict)
    """Components on the page: their ids and the fragments that they stand in, by name."""
    fragments: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    answered: float | None = None
    """When the last answer came: ten bars, or those of the digits that ink was cut into."""

    async def run(self, fragment: str = "", widget: str = "", value: dict | None = None) -> float:
        """Has the page, or one fragment of it, run; gives the milliseconds until all of it has arrived."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name, state.fragment_id = self.query, self.page, fragment
        state.is_auto_rerun = bool(fragment) and not widget
        if widget:
            entry = state.widget_states.widgets.add()
            entry.id, entry.json_value = widget, json.dumps(value)
        if not fragment:
            self.timers.clear()
        began = time.perf_counter()
        await self.connection.send(message.SerializeToString())
        await asyncio.wait_for(self._hear_all(), ANSWER_SECONDS)
        return 1000 * (time.perf_counter() - began)

    async def draw(self, digit: np.ndarray) -> tuple[float | None, float]:
        """Draws a digit, uint8 ``(28, 28)``; gives the milliseconds from the stroke to its answer, if one came, and to
        the last of what stands below the answer.
        """
        self.answered = None
        stroke = {"type": "path", "path": [], "drawn": time.time_ns()}
        drawing = {"version": "6", "objects": [stroke], "background": "#000000"}
        value = {"drawing": {"raw": drawing, "data": _picture(digit)}}
        began = time.perf_counter()
        whole = await self.run(self.fragments["canvas"], self.widgets["canvas"], value)
        if self.answered is None:
            self.errors.append("a drawing was not answered")
            return None, whole
        return 1000 * (self.answered - began), whole

    async def _hear_all(self) -> None:
        while not await self._hear():
            pass

    async def _hear(self) -> bool:
        """Takes one message; ``True`` at the end of a run."""
        message = ForwardMsg.FromString(await self.connection.recv())
        kind = message.WhichOneof("type")
        if kind == "auto_rerun":
            self.timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            self.timers.pop(message.stop_auto_rerun.fragment_id, None)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._see(message.delta)
        return kind == "script_finished"

    def _see(self, delta) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "bidi_component" and "canvas" in element.bidi_component.component_name.replace("canvas_tools", ""):
            self.widgets["canvas"], self.fragments["canvas"] = element.bidi_component.id, delta.fragment_id
        elif kind == "html":
            self._hear_answer('class="bars"', element.html.body)
        elif kind == "markdown":
            self._hear_answer(SEVERAL, element.markdown.body)
            self._hear_answer(NO_DIGIT, element.markdown.body)
        elif kind == "exception":
            self.errors.append(element.exception.message)
        elif kind == "alert" and any(sign in element.alert.body for sign in FAILURES):
            self.errors.append(element.alert.body)

    def _hear_answer(self, sign: str, body: str) -> None:
        if sign in body:
            self.answered = time.perf_counter()


async def arrive(url: str, page: str, query: str = "", headers: Mapping[str, str] | None = None) -> Visitor:
    """Opens a page as a visitor who was never here: with a cookie of their own, and an empty session.

    Args:
        headers: what a proxy on the way adds.
    """
    headers = {"Cookie": f"mnist_lab_visitor={new_secret()}"} | dict(headers or {})
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    connection = await connect(address, subprotocols=["streamlit"], additional_headers=headers, max_size=None)
    visitor = Visitor(connection, page, query)
    await visitor.run()
    return visitor


def _picture(digit: np.ndarray) -> str:
    """The canvas as the browser sends it: white ink on black, as a PNG."""
    canvas = Image.new("RGBA", (SIDE, SIDE), "black")
    ink = Image.fromarray(digit).resize((SIDE - 80, SIDE - 80), Image.Resampling.BICUBIC)
    canvas.paste(Image.merge("RGBA", (ink, ink, ink, Image.new("L", ink.size, 255))), (40, 40))
    packed = io.BytesIO()
    canvas.save(packed, "PNG")
    return "data:image/png;base64," + base64.b64encode(packed.getvalue()).decode()
