"""Home: what this is, how the engine is, the latest runs, and where to start."""

import streamlit as st

from mnist_core.ui.frame import page
from mnist_core.ui.words import ago, badge, escaped, percent

with page(
    "MNIST Lab",
    "Choose a neural network, watch it learn real handwriting, and see where it errs. "
    "Then draw a digit and let it read yours.",
) as lab:
    runs = lab.store.list(limit=8)
    steps = (
        ("Look at the digits", "pages/1_Data.py", ":material/image_search:", "70,000 pictures of handwriting."),
        ("Train a network", "pages/2_Train.py", ":material/model_training:", "The quick recipe takes seconds."),
        ("See where it errs", "pages/3_Evaluate.py", ":material/grid_on:", "Which digits does it mistake?"),
        ("Draw a digit", "pages/4_Draw.py", ":material/draw:", "With mouse, finger or pen."),
    )
    next_step = 3 if any(run.usable for run in runs) else 1
    for i, (column, (label, target, icon, words)) in enumerate(zip(st.columns(4), steps, strict=True)):
        kind = "primary" if i == next_step else "secondary"
        if column.button(label, icon=icon, key=target, type=kind, width="stretch"):
            st.switch_page(target)
        column.caption(words)

    st.subheader("Latest runs")
    if not runs:
        st.info("Nothing has been trained yet. Begin with *Train a network*.", icon=":material/lightbulb:")
    for run in runs:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escaped(run.name)}**  \n{escaped(run.settings.summary())} · {ago(run.created)}")
            st.markdown(f"{badge(run.status)} {percent(run.test_accuracy) if run.usable else ''}", width="content")
            if st.button("Open", key=f"open-{run.id}", icon=":material/arrow_forward:", help=f"Opens {run.name}"):
                st.switch_page("pages/2_Train.py", query_params={"run": run.id})

    st.subheader("Engine")
    engine = lab.engine.ensure()
    if not engine.workers:
        st.caption("The engine is starting: in a few seconds it stands here which processors it has.")
    for worker in engine.workers:
        task = "trains networks" if worker["kind"] == "train" else "answers drawings"
        where = worker["device"] or "warming up"
        st.markdown(f"- **{where}** {task}" if worker["ready"] else f"- A worker that {task} is warming up")
    if engine.ready and not any("GPU" in w["device"] or "NVIDIA" in w["device"] for w in engine.workers):
        st.caption("No GPU here: everything runs on the processor (CPU), which is fast enough for MNIST.")
