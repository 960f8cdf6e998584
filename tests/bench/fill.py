"""Puts the changes into one runner's queue and prints the seconds that its intake took."""

import argparse
import importlib
import os

import django

from tests.bench.order import Order


def main() -> None:
    """Fill the queue whose module the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("address")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--entities", type=int, required=True)
    options = vars(parser.parse_args())
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        django.setup()
    peer = importlib.import_module(options.pop("peer"))
    print(peer.fill(Order(**options)), flush=True)


if __name__ == "__main__":
    main()
