"""How the engine, its workers, the queue, the database and the disk are, as long as somebody looks."""

from __future__ import annotations

import html
import time
from datetime import datetime
from typing import Any

import streamlit as st

from mnist_core import checkup, gpus, logs
from mnist_core.store.lease import EngineStatus
from mnist_core.ui.data_table import data_table
from mnist_core.ui.frame import describe, errors_in_words
from mnist_core.ui.lab import Lab
from mnist_core.ui.turns import refreshing
from mnist_core.ui.words import ago, escaped

REFRESH_SECONDS = 3.0
SHOWN_RUNS = 20
KINDS = {"train": "trains", "predict": "answers drawings"}


@refreshing(REFRESH_SECONDS)
def show_health(lab: Lab) -> None:
    with errors_in_words():
        status = lab.engine.ensure()
        _in_one_line(lab, status)
        _engine(status)
        _queue(lab)
        _storage(lab)
        _messages(lab)


def _in_one_line(lab: Lab, status: EngineStatus) -> None:
    wrong = [check for check in _checks(lab) if not check.ok]
    by_hand = bool(lab.settings.scheduler)
    missing = by_hand and status.missing  # the engine starts its own workers again by itself
    if status.problems or missing or status.out_of_reach:
        show = st.error if status.crippled or missing or status.out_of_reach else st.warning
        show(escaped(html.unescape(describe(status, by_hand)[1])), icon=":material/error:")
    elif wrong:
        st.warning(escaped(f"{wrong[0].name}: {wrong[0].found}. {wrong[0].mend}"), icon=":material/warning:")
    elif status.unused_gpu:
        unused = gpus.UNUSED_BY_WORKER.format(host=status.unused_gpu)
        st.warning(escaped(f"{unused}. {gpus.MEND}"), icon=":material/warning:")
    elif status.ready and status.workers and all(worker["ready"] for worker in status.workers):
        st.success("All is well.", icon=":material/check:")
    else:
        st.info("The engine is starting; what waits begins in a few seconds.", icon=":material/hourglass_empty:")


def _checks(lab: Lab) -> list[checkup.Check]:
    return [look(lab.settings) for look in (checkup.disk, checkup.memory)]


def _engine(status: EngineStatus) -> None:
    st.subheader("Engine and workers", anchor=False)
    if not status.pid:
        st.caption("The engine is not there yet.")
        return
    how = f"Dask scheduler at {status.address}" if status.address else status.state
    st.caption(escaped(f"Process {status.pid} on {status.host}, {how}."))
    if status.workers:
        data_table([_worker(worker) for worker in status.workers], key="workers")
    else:
        st.caption("No worker has joined yet.")


def _worker(worker: dict[str, Any]) -> dict[str, Any]:
    return {
        "worker": worker["name"],
        "task": KINDS.get(worker["kind"], worker["kind"]),
        "state": worker.get("problem") or ("ready" if worker["ready"] else "warming up"),
        "device": worker["device"],
        "host": worker.get("host", ""),
        "process": worker.get("pid"),
        "memory (MB)": round(worker["memory"] / 1e6) if worker.get("memory") else None,
    }


def _queue(lab: Lab) -> None:
    st.subheader("Queue", anchor=False)
    counts = lab.store.statistics()
    with st.container(horizontal=True):
        for status, word in (("running", "training"), ("queued", "waiting"), ("interrupted", "interrupted")):
            st.metric(word.capitalize(), counts.get(status, 0), width="content")
        st.metric("Runs in all", sum(counts.values()), width="content")
    # Looked up apart, so that a long queue leaves none out that is training.
    groups = [lab.store.list(statuses=kinds, limit=SHOWN_RUNS) for kinds in (("running",), ("queued", "interrupted"))]
    for run in [run for group in groups for run in sorted(group, key=lambda run: run.queued)][:SHOWN_RUNS]:
        beat = f", last heard of {ago(run.beat)}" if run.status == "running" and run.beat else ""
        deaths = f", its worker has died {run.deaths} times" if run.deaths else ""
        place = f" on {run.worker}" if run.status == "running" and run.worker else ""
        st.markdown(f"- **{escaped(run.name)}** `{run.id}`: {escaped(f'{run.status}{place}{beat}{deaths}')}")


def _storage(lab: Lab) -> None:
    st.subheader("Database and disk", anchor=False)
    began = time.perf_counter()
    lab.store.statistics()
    milliseconds = (time.perf_counter() - began) * 1000
    file = checkup.sqlite_file(lab.settings)
    size = f"{file.stat().st_size / 1e6:,.1f} MB, " if file and file.exists() else ""
    st.markdown(f"- {escaped(str(lab.store.database.where))}: {size}answers in {milliseconds:,.1f} ms")
    for check in _checks(lab):
        st.markdown(f"- {check.name}: {escaped(check.found)}")
    st.caption("`python -m mnist_core doctor` checks all of this set-up, from a terminal.")


def _messages(lab: Lab) -> None:
    """What engine and workers have complained of, newest first."""
    found = logs.recent(lab.settings.log_file)
    with st.expander(f"Latest warnings of engine and workers ({len(found)})"):
        if not found:
            st.caption("None.")
        for line in found:
            with st.container(border=True):
                moment = datetime.fromisoformat(line["time"]).timestamp()
                about = f", run `{line['run']}`" if line.get("run") else ""
                st.caption(f"{ago(moment)}, {line['process']}{about}")
                st.markdown(escaped(str(line["message"])[:500]))
