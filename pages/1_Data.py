"""Data: what the network will see."""

import streamlit as st

from mnist_core.config import DataConfig
from mnist_core.ui import charts, dataset
from mnist_core.ui.digits import gallery, picture
from mnist_core.ui.frame import page
from mnist_core.ui.live_chart import live_chart
from mnist_core.ui.take import take_along

PER_CLASS, AT_RANDOM = 40, 48

with page(
    "Data",
    "MNIST: 60,000 handwritten digits to learn from and 10,000 to be tested on, written by pupils "
    "and clerks, collected by NIST, and made ready for learning by LeCun, Cortes and Burges.",
):
    part = st.segmented_control(
        "Set", ["train", "test"], default="train", key="part", format_func=dataset.PARTS.get, help=dataset.PARTS_HELP
    )
    part = part or "train"

    st.subheader("Digits")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = ["all", *map(str, range(10))]
        wanted = st.segmented_control("Which", options, default="all", key="digit") or "all"
        if st.button("Others at random", icon=":material/shuffle:", key="others"):
            st.session_state["data-shuffle"] = st.session_state.get("data-shuffle", 0) + 1
    count = AT_RANDOM if wanted == "all" else PER_CLASS
    picks = dataset.sample(part, wanted, count, st.session_state.get("data-shuffle", 0))
    gallery(((image, f"{label}\nno. {index:,}", False) for index, label, image in picks), known=True)
    st.caption("Under each picture: its label, and its number in the set.")

    st.subheader("How many of each")
    columns = st.columns([1, 2])
    with columns[0]:
        about = {name: DataConfig.model_fields[name].description for name in ("validation_fraction", "split")}
        held_out = DataConfig().validation_fraction
        fraction = st.slider(
            "Held out for validation", 0.0, 0.9, held_out, 0.05, key="held", help=about["validation_fraction"]
        )
        how = st.selectbox("How they are held out", ["random", "stratified", "first"], key="how")
        st.caption(about["split"])
    with columns[1]:
        counts = dataset.counts(fraction, how)
        words = " · ".join(f"{name}: {int(values.sum()):,}" for name, values in counts.items())
        figure = charts.bars(counts, "digit", "images")
        live_chart(figure, "counts", f"Images per digit. {words}.")
        st.caption(words)
        rows = [{"digit": digit} | {name: int(of[digit]) for name, of in counts.items()} for digit in range(10)]
        take_along("counts", rows, figure)

    st.subheader("The average digit")
    st.caption("The mean of all training images of a class: where it is blurred, people write differently.")
    gallery((mean, str(digit), False) for digit, mean in enumerate(dataset.means()))

    st.subheader("Before and after scaling")
    index = st.number_input("Image number", 0, dataset.size(part) - 1, 0, key="index")
    image, label = dataset.one(part, int(index))
    columns = st.columns([1, 2, 2])
    with columns[0]:
        st.html(picture(image, f"Image {index}, a {label}", "260px"))
        st.markdown(f"A **{label}**")
    middle = slice(12, 17)
    for column, (name, values, shown) in zip(
        columns[1:],
        (("Stored: whole numbers 0-255", image, "{:d}"), ("For the network: 0-1", image / 255.0, "{:.2f}")),
        strict=True,
    ):
        with column:
            st.markdown(f"**{name}**")
            rows = [" ".join(f"{shown.format(v):>4}" for v in row) for row in values[middle, middle]]
            st.code("\n".join(rows), language=None)
            st.caption(
                f"Rows and columns 12 to 16. `{values.dtype}`, smallest {values.min():g}, largest {values.max():.3g}."
            )

    st.subheader("Shapes and types")
    st.markdown(dataset.SHAPES_TABLE)
