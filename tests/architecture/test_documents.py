"""The documents say what the code does."""

import re
from pathlib import Path

import pytest

from tools.documents import DOCUMENTS, FOLDER

ROOT = Path(__file__).parents[2]
MARKDOWN = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_generated_document_is_up_to_date(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == DOCUMENTS[name](), "run python -m tools.documents"


@pytest.mark.parametrize("document", MARKDOWN, ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    missing = [t for t in targets if "://" not in t and not (document.parent / t).exists()]
    assert not missing


def test_the_tree_in_the_readme_is_the_tree():
    """Every folder and module of the product has its line, and no line is about something gone."""
    tree = (ROOT / "README.md").read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    named = {line.split()[0].strip("/") for line in tree.splitlines() if line.strip()}
    rooms = {p.name for p in (ROOT / "mnist_core").iterdir() if not p.name.startswith("__") and p.suffix in ("", ".py")}
    assert rooms <= named
    tops = {"streamlit_app.py", "pages", "mnist_core", "tests", "benchmarks", "tools", "docs", "Makefile"}
    assert tops <= named
    assert {name for name in named if not any(ROOT.rglob(name))} == set()
