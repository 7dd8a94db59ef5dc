"""Numbers and states as readers see them."""

from __future__ import annotations

import re
import time

STATUS = {
    "queued": (":material/hourglass_empty:", "waiting", "gray"),
    "running": (":material/play_arrow:", "training", "blue"),
    "paused": (":material/pause:", "paused", "orange"),
    "interrupted": (":material/error:", "interrupted", "orange"),
    "finished": (":material/check:", "finished", "green"),
    "stopped": (":material/stop:", "stopped", "violet"),
    "failed": (":material/close:", "failed", "red"),
    "cancelled": (":material/block:", "cancelled", "gray"),
}


MARKDOWN = r"\`*[]<$~|"
"""Signs with which Markdown begins something else than text in the middle of a line."""


def badge(status: str) -> str:
    """The status as a Markdown badge, told by icon and word as well as by colour."""
    icon, word, colour = STATUS[status]
    return f":{colour}-badge[{icon} {word}]"


def percent(fraction: float | None, digits: int = 2) -> str:
    return "–" if fraction is None else f"{fraction:.{digits}%}"


def duration(seconds: float) -> str:
    """``8 s``, ``2 min 5 s``, ``1 h 20 min``."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def ago(moment: float) -> str:
    """``just now``, ``8 min ago``, ``3 days ago``."""
    seconds = time.time() - moment
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length * (2 if unit == "days" else 1):
            return f"{seconds / length:.0f} {unit} ago"
    return "just now"


def escaped(text: str) -> str:
    """Text that may come from a visitor, so that Markdown makes no link, picture, formula or HTML of it."""
    text = "".join("\\" + c if c in MARKDOWN else c for c in text)
    # Addresses become links by themselves, and names between colons pictures.
    return re.sub(r"(?<=:)//|(?<=www)\.|@|:(?=[\w/]+:)", r"\\\g<0>", text, flags=re.IGNORECASE)
