"""``doctor``: checks a set-up and says what to mend."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from mnist_core.checkup import Check, checkup
from mnist_core.cli.command import Command, json_option, print_json
from mnist_core.errors import LabError
from mnist_core.settings import Settings

WIDTH = 12


def _run(options: argparse.Namespace) -> int:
    try:
        checks = checkup(Settings.from_environment())
    except LabError as error:
        checks = [Check("Settings", False, str(error), "Mend that environment variable; docs/settings.md lists all.")]
    wrong = [check for check in checks if not check.ok]
    if options.json:
        print_json({"ok": not wrong, "checks": [asdict(check) for check in checks]})
        return bool(wrong)
    for check in checks:
        print(f"{'ok' if check.ok else 'WRONG':5}  {check.name:{WIDTH}} {check.found}")
        if not check.ok and check.mend:
            print(f"{'':5}  {'':{WIDTH}} {check.mend}")
    print("All is well." if not wrong else f"{len(wrong)} to mend: {', '.join(check.name for check in wrong)}.")
    return bool(wrong)


COMMAND = Command(
    "doctor",
    "Check this set-up, and say what to mend: exit code 1 if something is wrong.",
    json_option,
    _run,
    ("", "--json"),
)
