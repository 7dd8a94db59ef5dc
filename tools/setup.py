"""Make the environment and start what was asked for: ``python3 tools/setup.py COMMAND [arguments]``.

    run      start the dashboard; the arguments go to ``mnist_core serve``
    test     make sure of a browser and a PostgreSQL server and run every test, in a process for each core;
             the arguments go to pytest (-n0: in one process)
    lint     check the style; the arguments go to ``ruff check``
    install  make the environment and no more; with ``--test`` the test tools too
    lock     renew constraints.txt from the two requirement files

Standard library only, and nothing that Python 3.6 cannot read: an old Python must hand over to
a newer one, or say in one sentence what is missing, and not stop at the syntax.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
SETUP_LOCK = ROOT / ".venv.lock"
ALLOWED = ("3.10", "3.11", "3.12", "3.13")
NAMES = ("python3.13", "python3.12", "python3.11", "python3.10", "python3")
NAME_ONE = "name one: make run PYTHON=/path/to/python3.12"

RUN = ("requirements.txt",)
TEST = ("requirements.txt", "requirements-test.txt")
CONSTRAINTS = "constraints.txt"
LOCKER = "uv>=0.9,<1"
# A process for each core; more than four would want more memory than most machines have. The longest share,
# which tests/scheduling.py keeps together, must begin first, so files are not put in another order.
IN_PROCESSES = ("-n", "logical", "--maxprocesses", "4", "--no-loadscope-reorder")
LOCK_HEADER = """\
# The whole dependency tree of requirements.txt and requirements-test.txt, pinned for Python 3.10 to 3.13.
# Written by `make lock`: change the bounds there, not the pins here.
"""


class Missing(Exception):
    """Something the machine lacks; the message is one sentence for the reader."""


# --- Which Python ---------------------------------------------------------------------------------


def find_python(candidates=None):
    """The path of an allowed Python: the running one if it is, else the first such on PATH."""
    found = []
    for path in python_candidates() if candidates is None else candidates:
        version = python_version(path)
        if version in ALLOWED:
            return path
        if version:
            found.append(f"Python {version} ({path})")
    raise Missing(
        f"MNIST Lab needs Python {', '.join(ALLOWED[:-1])} or {ALLOWED[-1]}, "
        f"and found {', '.join(found) or 'no Python that runs'}; install one of those, or {NAME_ONE}"
    )


def python_candidates():
    """Every Python worth asking, once each; never that of .venv, which may have to be made anew."""
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    on_path = [shutil.which(name, path=folder) for name in NAMES for folder in folders]
    candidates = dict.fromkeys(path for path in [sys.executable, *on_path] if path)
    return [path for path in candidates if VENV not in Path(path).parents]


def python_version(path, needs="sys"):
    """The version of the Python at `path`, as in "3.12"; None if it fails or lacks what it `needs`.

    It is run to find out: a version manager puts commands on PATH that exist and fail.
    """
    question = f"import sys, {needs}; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.check_output([str(path), "-c", question], stderr=subprocess.DEVNULL, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.decode(errors="replace").strip()


# --- The environment ------------------------------------------------------------------------------


def venv_python(folder=VENV):
    """Where the environment's Python is, once it has been made."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@contextmanager
def alone():
    """Wait until no other set-up is at work here, and hold off others; a lock goes with the process that holds it.

    On Windows, and where no file may be written or locked, nobody is held off.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            if fcntl:
                wait_for(stack.enter_context(open(str(SETUP_LOCK), "a")))
        yield


def wait_for(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another set-up is at work; waiting for it.")
        fcntl.flock(lock, fcntl.LOCK_EX)


def make_environment(files):
    """Have .venv with `files` in it; of several set-ups, one at a time sees to that."""
    with alone():
        make_and_install(files)


def make_and_install(files):
    """Make .venv unless it works, and install `files` as constraints.txt pins them unless done."""
    if python_version(venv_python(), needs="pip") not in ALLOWED:
        create_venv(find_python())
    version = python_version(venv_python())
    running = "{}.{}".format(*sys.version_info)
    if running in ALLOWED and running != version:
        say(f"Using .venv as made with Python {version}; for Python {running}, `make clean` first.")
    if not is_installed(files, version):
        install(files, version)


def create_venv(python, folder=VENV):
    """Make a virtual environment in place of what may be left there; leave nothing half-made."""
    say(f"Making {folder.name} with {python}.")
    try:
        if folder.exists():
            shutil.rmtree(str(folder))
        status, output = capture([python, "-m", "venv", folder])
    except OSError as error:
        raise Missing(f"Could not make {folder} ({error}): remove it by hand and run this again.") from None
    except KeyboardInterrupt:
        shutil.rmtree(str(folder), ignore_errors=True)
        raise
    if status != 0:
        shutil.rmtree(str(folder), ignore_errors=True)
        raise Missing(venv_failure(python, folder, output))


def venv_failure(python, folder, output):
    """One sentence on why there is no environment: Debian packs `venv` apart, else Python's own word."""
    if python_version(python, needs="venv, ensurepip") is None:
        return (
            f"{python} has no working `venv` module: install it (on Debian or Ubuntu: "
            f"apt install python{python_version(python) or 3}-venv), or if another Python has it, {NAME_ONE}"
        )
    return f"{python} could not make the environment {folder}: {tail(output, 1) or 'it gave no reason'}"


def install(files, version):
    """Install the requirement `files` into .venv with pip, and stamp it so that it is done once."""
    say(f"Installing {' and '.join(files)} into .venv (a minute or two, about 3 GB).")
    if stamp().exists():  # what it says is no longer so once pip begins
        stamp().unlink()
    options = [option for file in files for option in ("-r", file)]
    pip_install([*options, "-c", CONSTRAINTS])
    stamp().write_text("".join(stamp_lines(files, version)))


def pip_install(options):
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    status, output = capture([venv_python(), "-m", "pip", "install", *quiet, *options])
    if status != 0:
        raise Missing(
            f"pip could not install {' '.join(options)}: mend what its last words below name "
            f"(the network, the disk?) and run this again.\n{tail(output, 8)}"
        )


def is_installed(files, version, folder=VENV):
    """Whether the stamp says that these files, as they now are, were installed for this Python."""
    path = stamp(folder)
    return path.exists() and set(stamp_lines(files, version)) <= set(path.read_text().splitlines(True))


def stamp(folder=VENV):
    return folder / "installed.txt"


def stamp_lines(files, version):
    """The Python, then each file with its sha256: a line each, so TEST's stamp holds RUN's."""
    digests = {file: hashlib.sha256((ROOT / file).read_bytes()).hexdigest() for file in (CONSTRAINTS, *files)}
    return [f"python {version}\n"] + [f"{file} {digest}\n" for file, digest in digests.items()]


# --- The commands ---------------------------------------------------------------------------------


def run(arguments):
    make_environment(RUN)
    become([venv_python(), "-m", "mnist_core", "serve", *arguments])


def test(arguments):
    make_environment(TEST)
    # With no browser the other tests still run; this tells the end-to-end ones to fail, not skip.
    os.environ["MNIST_LAB_NEEDS_BROWSER"] = "1"
    for name in ("browser", "postgres"):  # without a database server, those that need one fail with its sentence
        found = subprocess.run([str(venv_python()), "-m", f"tools.{name}"], stdout=subprocess.PIPE)
        if found.returncode == 0:
            os.environ[f"MNIST_LAB_{name.upper()}"] = found.stdout.decode().strip()
    become([venv_python(), "-m", "pytest", *IN_PROCESSES, *arguments])


def lint(arguments):
    make_environment(TEST)
    become([venv_python(), "-m", "ruff", "check", *arguments])


def install_only(arguments):
    if arguments not in ([], ["--test"]):
        raise Missing(f"install takes nothing or --test, and received {' '.join(arguments)}: leave that out.")
    make_environment(TEST if arguments else RUN)


def lock(arguments):
    make_environment(RUN)
    pip_install([LOCKER])
    resolve = [venv_python(), "-m", "uv", "pip", "compile", "--quiet", "--universal", "--upgrade"]
    plain = ["--python-version", ALLOWED[0], "--no-python-downloads", "--no-header", "--no-annotate"]
    done = subprocess.run(list(map(str, [*resolve, *plain, *TEST])), stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise Missing("uv found no set of versions that fits: see what it says above, and mend a bound.")
    (ROOT / CONSTRAINTS).write_text(LOCK_HEADER + done.stdout.decode())
    say("Wrote constraints.txt: run `make test` before you keep it.")


COMMANDS = {"run": run, "test": test, "lint": lint, "install": install_only, "lock": lock}


def capture(command):
    """Run the command; its exit status, and all that it printed."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


def become(command):
    """Let the command take this one's place, so that its signals and exit status are the caller's."""
    command = list(map(str, command))
    sys.stdout.flush()
    if os.name == "nt":  # where exec would return to the prompt at once
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


def tail(text, count):
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])


def say(text):
    print(text, flush=True)


def main(arguments):
    command = arguments[0] if arguments else "nothing"
    if command not in COMMANDS:
        print(f"setup.py takes one of {', '.join(COMMANDS)}, and received {command}.", file=sys.stderr)
        return 2
    os.chdir(str(ROOT))
    try:
        COMMANDS[command](arguments[1:])
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
