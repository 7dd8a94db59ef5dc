"""Writes the documents that are made from the code: ``python -m tools.documents``. A test compares them with it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from mnist_core.cli.settings import listing
from mnist_core.settings import Settings

FOLDER = Path(__file__).parents[1] / "docs"


def hyperparameters() -> str:
    """Every setting of a run, as ``python -m mnist_core settings`` prints it."""
    return (
        "# Hyperparameters\n\n"
        "Every setting of a run: its key and default, what is allowed, and what it does. The form on the Train page, "
        "`--set KEY=VALUE` on the command line and the messages are made from the same declarations "
        "(`mnist_core/config.py` and the registries it names). `python -m tools.documents` writes this page.\n\n"
        f"```text\n{listing(explained=True).strip()}\n```\n"
    )


def settings() -> str:
    """Every environment variable, from ``mnist_core.settings``."""
    rows = "".join(
        f"| `{entry.metadata['variable']}` | {_default(entry.metadata['default'])} | {entry.metadata['help']} |\n"
        for entry in fields(Settings)
    )
    return (
        "# Settings\n\n"
        "What may be set from outside, by environment variables; none is needed. "
        "`python -m tools.documents` writes this page.\n\n"
        f"| variable | default | what it does |\n| --- | --- | --- |\n{rows}\n"
        "Streamlit's own options (port, theme, upload size) stand in `.streamlit/config.toml`; settings of a run in "
        "[hyperparameters.md](hyperparameters.md).\n"
    )


def _default(value: str) -> str:
    return f"`{value}`" if value else "empty"


DOCUMENTS = {"hyperparameters.md": hyperparameters, "settings.md": settings}


if __name__ == "__main__":
    for name, text in DOCUMENTS.items():
        (FOLDER / name).write_text(text(), encoding="utf-8")
