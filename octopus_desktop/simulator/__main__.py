"""`python -m octopus_desktop.simulator`: the embedded exchange by itself."""

from __future__ import annotations

import argparse
import sys

from octopus_desktop.simulator.main import add_arguments, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="simulate", description="The embedded exchange.")
    add_arguments(parser)
    sys.exit(run(parser.parse_args()))
