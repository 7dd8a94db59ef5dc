"""``python -m mnist_core``: the command line."""

import sys

if __name__ == "__main__":
    try:
        from mnist_core.cli import main

        sys.exit(main())
    except KeyboardInterrupt:
        # Imports take half a second, in which Ctrl-C may come too.
        sys.exit(130)
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("mnist_core"):
            raise
        sys.exit(
            f"{sys.executable} has no package {error.name}: this is not MNIST Lab's environment. Enter that by "
            f"`source .venv/bin/activate` (`make run` has made it), or install what is needed here: "
            f"pip install -r requirements.txt -c constraints.txt."
        )
