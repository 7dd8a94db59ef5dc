"""What tests of Draw share: a network trained for them, pictures to read, and what the page said."""

import io

from PIL import Image

from mnist_core.config import RunConfig
from tests.helpers import eventually

SMALL = RunConfig.parse({"data": {"subset": 4000}, "training": {"epochs": 2}})


def train(engine, config, name):
    """A network that the engine has really trained."""
    _, store, _ = engine
    run_id = store.create(config, name)
    eventually(lambda: store.get(run_id).status in ("finished", "failed"), 120)
    assert store.get(run_id).status == "finished", store.get(run_id).message
    return run_id


def said(app):
    """What the bars say to a screen reader, network by network."""
    bars = [html.proto.body for html in app.get("html") if 'class="bars"' in html.proto.body]
    return [body.split('aria-label="')[1].split('"')[0] for body in bars]


def expected(probabilities):
    return f"most likely {probabilities.argmax()} with {probabilities.max():.1%}"


def picture(image, form="PNG"):
    """The digit as a scan: dark on light paper, 20 times as large."""
    packed = io.BytesIO()
    Image.fromarray(255 - image).resize((560, 560), Image.Resampling.BICUBIC).save(packed, form)
    return packed.getvalue()


def png(page):
    packed = io.BytesIO()
    Image.fromarray(page).save(packed, "PNG")
    return packed.getvalue()
