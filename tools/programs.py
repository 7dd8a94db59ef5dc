"""Running other programs, and installing Debian's where there is none: what finding a browser and a database share."""

import os
import shutil
import subprocess
import sys


def output(command, seconds):
    """What the command printed, or None when it is missing, failed or took too long."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def install_with_apt(package, why):
    """Install one of Debian's, where there is apt-get and the right to use it without a password."""
    root = _root_prefix()
    if root is None or not shutil.which("apt-get"):
        return
    say(f"{why}: installing Debian's {package} with apt-get (a minute or two).")
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q"]
    output([*apt, "update"], seconds=180)  # a stale list may still do, so its failure does not matter
    output([*apt, "install", "--no-install-recommends", package], seconds=600)


def _root_prefix():
    """What to write before a command that needs root: nothing, sudo, or None when neither will do."""
    if getattr(os, "geteuid", lambda: -1)() == 0:
        return []
    return ["sudo", "-n"] if output(["sudo", "-n", "true"], seconds=10) is not None else None


def found_or_said(ensure, missing):
    """Prints what ``ensure`` gives; says what is missing if it raises that, and gives the exit code."""
    try:
        print(ensure())
    except missing as why:
        say(why)
        return 1
    return 0


def say(text):
    print(text, file=sys.stderr, flush=True)
