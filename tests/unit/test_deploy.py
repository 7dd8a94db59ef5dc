"""The files in ``deploy`` name settings, commands and files that exist."""

import re
import shlex
from dataclasses import fields

import pytest
import yaml
from distributed.cli.dask_scheduler import main as scheduler
from distributed.cli.dask_worker import main as worker

from deploy import slurm
from mnist_core.cli import serve
from mnist_core.cli.command import Parser
from mnist_core.config import RunConfig
from mnist_core.settings import Settings
from tests.helpers import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == "mnist-lab"}
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
COPIED = re.findall(r"^COPY (.+)$", CONTAINERFILE, re.M)
DOCKER_COMMAND = yaml.safe_load(re.search(r"^CMD (.+)$", CONTAINERFILE, re.M)[1])
README = (DEPLOY / "README.md").read_text(encoding="utf-8")
DASK = {"scheduler": scheduler, "worker": worker}


def understood(command):
    """Whether the program takes these arguments; gives what it reads in them."""
    if command[:2] == ["dask", command[1]] and command[1] in DASK:
        return DASK[command[1]].make_context(command[1], list(command[2:])).params
    assert command[:4] == ["python", "-m", "mnist_core", "serve"], command
    parser = Parser("serve", "")
    serve.COMMAND.arguments(parser)
    return vars(parser.parse_args(command[4:]))


def passed_on(name, given):
    """The environment of a service when Compose has put ``given`` into it."""

    def value(found):
        variable, sign, other = found.groups()
        return {"-": given.get(variable) or other, "+": other if given.get(variable) else "", "?": "chosen"}[sign]

    environment = COMPOSE["services"][name]["environment"]
    return {variable: re.sub(r"\$\{(\w+):([-+?])(.*?)\}", value, text) for variable, text in environment.items()}


def test_all_parts_are_there():
    assert set(COMPOSE["services"]) == {"app", "scheduler", "train", "predict", "database"}
    assert set(OURS) == {"app", "scheduler", "train", "predict"}


@pytest.mark.parametrize("name", OURS)
def test_every_service_starts_by_a_command_that_exists(name):
    assert understood(OURS[name]["command"])


def test_the_image_starts_the_dashboard():
    assert understood(DOCKER_COMMAND)["address"] == "0.0.0.0"


def test_workers_bring_what_the_engine_asks_for():
    resources = {name: understood(OURS[name]["command"])["resources"] for name in ("train", "predict")}
    assert resources == {"train": "train=1", "predict": "predict=1 files=1"}


def test_every_variable_is_a_setting():
    known = {entry.metadata["variable"] for entry in fields(Settings)}
    texts = [path.read_text(encoding="utf-8") for path in DEPLOY.iterdir() if path.is_file()]
    named = {name for text in texts for name in re.findall(r"\bMNIST_LAB_[A-Z_]+\b", text)}
    assert {"MNIST_LAB_DATABASE", "MNIST_LAB_SCHEDULER", "MNIST_LAB_HOME"} <= named <= known


def test_the_dashboard_finds_scheduler_and_database_by_their_services():
    settings = Settings.from_environment(passed_on("app", {}))
    port = understood(OURS["scheduler"]["command"])["port"]
    assert settings.scheduler == f"tcp://scheduler:{port}"
    assert "@database/" in settings.database_url
    assert all(settings.scheduler in OURS[name]["command"] for name in ("train", "predict"))
    kept = COMPOSE["services"]["database"]["environment"]
    assert settings.database_url.endswith(f"/{kept['POSTGRES_DB']}")
    assert f"//{kept['POSTGRES_USER']}:" in settings.database_url


FIXED = {"MNIST_LAB_HOME", "MNIST_LAB_DATABASE", "MNIST_LAB_SCHEDULER"}
MEANINGLESS = {"MNIST_LAB_TRAIN_WORKERS"}
"""Where workers are containers, their number is theirs."""


@pytest.mark.parametrize("entry", fields(Settings), ids=lambda entry: entry.metadata["variable"])
def test_compose_passes_settings_on(entry):
    variable = entry.metadata["variable"]
    given = {variable: "7" if entry.type == "int" else "/given"}
    default, told = (getattr(Settings.from_environment(passed_on("app", of)), entry.name) for of in ({}, given))
    if variable in FIXED | MEANINGLESS:
        assert told == default
    else:
        assert default == getattr(Settings.from_environment({}), entry.name)
        assert str(told) == ("/images.npz" if variable == "MNIST_LAB_DATA" else given[variable])


def test_all_parts_of_compose_read_the_same_images():
    variables = ("MNIST_LAB_DATA", "MNIST_LAB_DATA_SHA256")
    given = dict.fromkeys(variables, "given")
    for name in ("app", "train", "predict"):
        environment = passed_on(name, given)
        assert [environment[variable] for variable in variables] == ["/images.npz", "given"]
        assert "${MNIST_LAB_DATA:-/dev/null}:/images.npz:ro" in COMPOSE["services"][name]["volumes"]


def test_what_the_image_copies_is_there():
    copied = [word for line in COPIED for word in line.split()[:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_builder_gets_what_the_image_copies_and_neither_secrets_nor_an_environment():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert let_in == {word for line in COPIED for word in line.split()[:-1]}
    last = max(number for number, rule in enumerate(rules) if rule.startswith("!"))
    assert rules[last + 1 :] == [".streamlit/secrets.toml", "**/__pycache__"], "the last rule that fits decides"


@pytest.mark.parametrize("line", re.findall(r"^dask .+$", README, re.M))
def test_commands_in_the_notes_exist(line):
    assert understood(shlex.split(line, comments=True))


WORKERS = [
    line.strip()
    for path in (*DEPLOY.iterdir(), *ROOT.glob("docs/*.md"), *ROOT.glob("mnist_core/**/*.py"))
    if path.is_file()
    for line in path.read_text(encoding="utf-8").splitlines()
    if re.search(r"\bdask\W+worker\b.*--nthreads", line)
]


def test_workers_elsewhere_are_started_by_hand_and_in_containers():
    assert len(WORKERS) == 8  # two kinds of workers: by hand, in Compose, in Kubernetes, and as pages ask for them


@pytest.mark.parametrize("line", WORKERS)
def test_no_worker_is_ended_by_dask_for_its_memory(line):
    """Dask's own limit goes by the threads, of which such a worker has one or two on however large a machine."""
    assert re.search(r"--memory-limit\W+0\b", line)


def test_manifests_in_the_notes_are_whole():
    for text in re.findall(r"```yaml\n(.*?)```", README, re.S):
        for document in yaml.safe_load_all(text):
            assert {"apiVersion", "kind", "metadata", "spec"} <= set(document)


class Jobs:
    """Stands in for a cluster of jobs: keeps how many were asked for."""

    worker_spec = ()

    def scale(self, jobs):
        self.worker_spec = range(jobs)


def test_slurm_is_asked_for_as_many_jobs_as_runs_train_or_wait(store):
    def asked():
        slurm.follow(jobs, store)
        return len(jobs.worker_spec)

    jobs = Jobs()
    assert asked() == slurm.LEAST_JOBS
    ids = [store.create(RunConfig(seed=seed)) for seed in range(3)]
    store.mark_running(ids[0])
    assert asked() == 3
    more = [store.create(RunConfig(seed=seed)) for seed in range(3, 20)]
    assert asked() == slurm.MOST_JOBS
    for run_id in (*ids[1:], *more):
        store.delete(run_id)
    assert asked() == slurm.MOST_JOBS, "the job that trains might be among those given back"
    store.record(ids[0], {"status": "finished"})
    assert asked() == slurm.LEAST_JOBS


def test_jobs_of_slurm_bring_what_the_engine_asks_for():
    brings = understood(["dask", "worker", "tcp://scheduler:8786", *slurm.JOB["worker_extra_args"]])
    assert (brings["resources"], brings["nthreads"], brings["memory_limit"]) == ("train=1", 1, "0")
    assert slurm.JOB["job_script_prologue"] == [f"export PYTHONPATH={ROOT}"]
