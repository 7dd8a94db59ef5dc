"""``python -m mnist_core``: the command line."""

import sys

if __name__ == "__main__":
    try:
        from mnist_core.cli import main

        sys.exit(main())
    except KeyboardInterrupt:
        # Imports take half a second, in which Ctrl-C may come too.
        sys.exit(130)
