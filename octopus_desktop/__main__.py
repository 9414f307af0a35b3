"""`python -m octopus_desktop` is the command line."""

import sys

from octopus_desktop.cli import main

if __name__ == "__main__":
    sys.exit(main())
