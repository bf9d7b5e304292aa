"""python -m config.embedded exec --directory var/test -- COMMAND ARGUMENT...

Starts the servers, runs the command with their addresses in its environment, stops them, and exits
as the command did. `remove` deletes the files of a directory's servers.
"""

import argparse
import os
import sys
from pathlib import Path

from config import embedded
from config.embedded import command


def main() -> int:
    options = _parser().parse_args()
    try:
        with command.stoppable():
            code: int = options.do(options)
            return code
    except embedded.EmbeddedError as error:
        print(f"usaldus: {error}", file=sys.stderr)
        return 1
    except command.Stopped as stopped:
        return stopped.exit_code


def _exec(options: argparse.Namespace) -> int:
    # Importing the package above us named production settings, the default, in our environment.
    # Nobody chose them for the command, which may have a default of its own, as pytest has.
    if os.environ.get("DJANGO_SETTINGS_MODULE") == "config.settings.base":
        del os.environ["DJANGO_SETTINGS_MODULE"]
    with embedded.start(
        options.directory, for_tests=options.for_tests, fast=options.fast, join=options.join
    ) as servers:
        return command.run(options.command, servers.environment)


def _remove(options: argparse.Namespace) -> int:
    for path in embedded.remove(options.directory):
        print(f"removed {path}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    verbs = parser.add_subparsers(required=True)
    execute = verbs.add_parser("exec", help="run a command beside the servers")
    execute.add_argument("--directory", type=Path, required=True, help="where their files lie")
    execute.add_argument("--for-tests", action="store_true", help="the role may create databases")
    execute.add_argument("--fast", action="store_true", help="no durability: data to throw away")
    execute.add_argument("--join", action="store_true", help="share servers that already run there")
    execute.add_argument("command", nargs="+")
    execute.set_defaults(do=_exec)
    remove = verbs.add_parser("remove", help="delete the files of the servers")
    remove.add_argument("--directory", type=Path, required=True)
    remove.set_defaults(do=_remove)
    return parser


if __name__ == "__main__":
    sys.exit(main())
