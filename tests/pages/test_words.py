"""Words of visitors stay words."""

import pytest

from mnist_core.ui.words import escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Log in at https://example.org", r"Log in at https:\//example.org"),
        ("www.example.org", r"www\.example.org"),
        ("a@example.org", r"a\@example.org"),
        (":material/lock: :smile:", r"\:material/lock: \:smile:"),
        ("<b>*so*</b> [x](y)", r"\<b>\*so\*\</b> \[x\](y)"),
        ("XLA compiles: 3.5 s; 10:30", "XLA compiles: 3.5 s; 10:30"),
    ],
)
def test_no_links_pictures_or_icons_come_of_them(text, shown):
    assert escaped(text) == shown
