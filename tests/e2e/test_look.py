"""How it looks: on a phone, in the dark, and for eyes that need contrast."""

import pytest

from mnist_core.config import RunConfig
from mnist_core.store.shipped import FLAGSHIP
from tests.e2e.lab import PAGES, PHONE
from tests.helpers import eventually

pytestmark = pytest.mark.e2e

LEAST_CONTRAST = 4.5
"""Of text and background, as WCAG 2.2 asks for (1.4.3)."""

CONTRASTS = """
() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const colour = text => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
    const behind = element => {
        const layers = [];
        const here = element.getBoundingClientRect();
        const x = here.x + here.width / 2, y = here.y + here.height / 2;
        for (let e = element; e; e = e.parentElement) {
            const box = e.getBoundingClientRect();
            const inside = box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
            // A slider's number stands beside the knob that it is a part of.
            if (inside || box.width > here.width) layers.push(colour(getComputedStyle(e).backgroundColor));
        }
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
    };
    const opacity = element => {
        let all = 1;
        for (let e = element; e; e = e.parentElement) all *= getComputedStyle(e).opacity;
        return all;
    };
    const luminance = rgb => {
        const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = rgb.map(c => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = {};
    const texts = "main :is(p, li, h1, h2, h3, label, td, th, figcaption, span)";
    for (const element of document.querySelectorAll(texts)) {
        const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        const shown = element.checkVisibility({opacityProperty: true, visibilityProperty: true});
        if (!own || !shown || element.closest("[disabled], [aria-disabled=true], svg, .live-chart")) continue;
        const text = colour(getComputedStyle(element).color), paper = behind(element);
        text[3] *= opacity(element);
        const [dark, light] = [luminance(over(text, paper)), luminance(paper)].sort((a, b) => a - b);
        const words = element.textContent.trim().slice(0, 40);
        found[words] = Math.min(found[words] ?? 99, (light + 0.05) / (dark + 0.05));
    }
    return found;
}
"""


def test_a_phone_scrolls_down_only(visitor, trained):
    lab = visitor(**PHONE)
    for title in PAGES:
        lab.open(title, **({"run": trained.id} if title in ("Train", "Evaluate", "Draw") else {}))
        scrollers = "[document.documentElement, document.querySelector('main')]"
        widths = lab.page.evaluate(f"{scrollers}.map(e => [e.scrollWidth, e.clientWidth])")
        assert all(inside <= outside + 1 for inside, outside in widths), (title, widths)


def test_the_menu_on_a_phone(visitor):
    lab = visitor(**PHONE)
    lab.open("Home")
    lab.page.get_by_test_id("stExpandSidebarButton").click()
    lab.go("Data")


@pytest.fixture
def phone(visitor):
    lab = visitor(**PHONE)
    lab.open("Draw", run=FLAGSHIP)
    lab.canvas.scroll_into_view_if_needed()
    return lab


@pytest.mark.parametrize("tool", ["touch", "write"])
def test_finger_and_pen_draw_and_do_not_scroll(phone, tool):
    where = "() => [document.querySelector('main'), document.scrollingElement].map(e => e.scrollTop)"
    kinds = phone.page.evaluate_handle("""() => {
        const kinds = new Set();
        addEventListener("pointerdown", event => kinds.add(event.pointerType), true);
        return kinds;
    }""")
    before = phone.page.evaluate(where)
    getattr(phone, tool)(*((160, 50 + 10 * i) for i in range(22)))
    phone.answer_is(1)
    assert phone.page.evaluate(where) == before
    assert phone.ink() > 2000
    assert kinds.evaluate("kinds => [...kinds]") == [{"touch": "touch", "write": "pen"}[tool]]


def test_a_finger_draws_from_every_corner(phone):
    for x, y in ((20, 12), (20, 300), (300, 300)):
        before = phone.ink()
        phone.touch((x, y), ((x + 160) / 2, (y + 160) / 2), (160, 160))
        eventually(lambda before=before: phone.ink() > before, 10)


def test_a_finger_draws_where_the_tools_hide(phone):
    """Tools that only a mouse brings to light must not catch a finger that begins a 5 at the top right."""
    phone.touch((300, 12), (230, 80), (160, 160))
    eventually(lambda: phone.ink() > 2000, 5)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(visitor, store, trained, scheme):
    lab, faint = visitor(color_scheme=scheme), {}
    failed = store.create(RunConfig(), "failed")
    store.record(failed, {"status": "failed", "message": "The loss became infinite.", "ended": 1.0})
    lab.open("Home")
    steps = [lambda title=title: lab.go(title) for title in PAGES]
    steps += [lambda run=run: lab.open("Train", run=run) for run in (trained.id, failed)]
    for step in steps:
        step()
        seen = lab.page.evaluate(CONTRASTS)
        assert seen, "no text at all"
        faint |= {
            f"{lab.page.title()}: {words}": round(c, 2) for words, c in seen.items() if c < LEAST_CONTRAST
        }
    assert not faint, "\n".join(f"{contrast}: {words}" for words, contrast in sorted(faint.items()))


def test_dark_is_dark(visitor, trained):
    lab = visitor(color_scheme="dark")
    lab.open("Train", run=trained.id)
    background = lab.page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).backgroundColor")
    assert max(map(int, background.strip("rgb()").split(",")[:3])) < 60
    text = lab.chart("^The loss curve").locator("text").first.evaluate("e => getComputedStyle(e).fill")
    assert min(map(int, text.strip("rgb()").split(",")[:3])) > 160, "a chart's text is dark on dark"
