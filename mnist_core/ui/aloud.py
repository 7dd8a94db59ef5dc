"""What a screen reader reads aloud when it changes, such as the answer to a drawing."""

from __future__ import annotations

from mnist_core.ui.components import component

HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
"""For the eye it stands on the page already."""


def aloud(words: str, key: str) -> None:
    """Says it, once. Call it in every run of the page, with no words while there is nothing to say."""
    mount = component("aloud", html=f'<div role="status" style="{HIDDEN}"></div>')
    mount(key=key, data={"words": words}, height=1)
