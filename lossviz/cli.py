"""The command line: ``lossviz COMMAND``. Each command lives in ``lossviz/commands/`` and imports
what is heavy only when it runs."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from lossviz import __version__
from lossviz.errors import InputError, LossvizError, UsageError, printable

COMMANDS = {
    "view": "open landscapes in a window",
    "render": "draw the same picture to a PNG, without a window or a display",
    "slice": "cut a surface along a line or at a level, as CSV",
    "film": "turn a landscape, or play the paths over it, as a film",
    "surface": "compute a loss surface around a checkpoint",
    "trajectory": "show training runs in the plane of their principal directions",
    "line": "compute loss curves along directions or between checkpoints",
    "critical": "find the critical points of a surface, with checks, descent lines and basins",
    "curvature": "map where a surface is convex: the extreme eigenvalues of the Hessian",
    "sharpness": "measure how sharp a minimum is, or compare several",
    "difference": "subtract two landscapes on the same grid",
    "train": "train a network and record snapshots of its weights",
    "checkpoint": "write the weights at a place of a surface to a checkpoint",
    "info": "say what a landscape file holds",
    "convert": "write a landscape file in another form",
}
INTERRUPTED = 130
LARGEST_CONFIG = 1 << 20  # bytes


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, like all other errors."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message} (see '{self.prog} --help')")


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands, with their arguments, or with those of ``only`` one of them or of
    none, the empty string (faster to start)."""
    parser = _Parser(prog="lossviz", description="See the loss landscape of a neural network.")
    parser.add_argument("--version", action="version", version=f"lossviz {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if only is None or name == only:
            module = import_module(f"lossviz.commands.{name}")
            module.add_arguments(command)
            command.add_argument("--config", metavar="TOML", help="options from a TOML file")
            command.add_argument("--debug", action="store_true", help="show tracebacks")
            command.set_defaults(run=module.run)
    return parser


def _apply_config(parser: argparse.ArgumentParser, name: str, path: Path) -> None:
    """Make the keys of a TOML file (at the top or in a table named like the command) defaults."""
    import tomllib

    if not path.is_file() or path.stat().st_size > LARGEST_CONFIG:
        raise InputError(f"{path}: expected a TOML file of options, at most 1 MiB")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: expected a TOML file of options: {error}") from None
    subparsers = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    command: argparse.ArgumentParser = subparsers.choices[name]
    actions = {
        name.strip("-"): action
        for action in command._actions
        for name in action.option_strings or ["--" + action.dest.replace("_", "-")]
        if name.startswith("--") and name != "--help"
    }
    own = {k: v for k, v in table.items() if not isinstance(v, dict)}
    own |= table[name] if isinstance(table.get(name), dict) else {}
    for key, value in own.items():
        action = actions.get(key.replace("_", "-"))
        if action is None:
            known = ", ".join(sorted(actions))
            raise UsageError(f"{path}: unknown option {key!r} for {name}; it knows {known}")
        try:
            value = _as_typed(command, action, value)
        except argparse.ArgumentError as error:
            raise UsageError(f"{path}: {key}: {error.message}") from None
        action.required = False
        command.set_defaults(**{action.dest: value})


def _as_typed(command: argparse.ArgumentParser, action: argparse.Action, value: Any) -> Any:
    """A value of a TOML file as if it had been typed: converted, and one of the choices."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise argparse.ArgumentError(action, f"expected true or false, got {value!r:.60}")
        return value
    many = action.nargs is not None and action.nargs != "?"
    values = value if isinstance(value, list) else [value]
    if not many and len(values) != 1:
        raise argparse.ArgumentError(action, f"expected one value, got {len(values)}")
    typed = [command._get_value(action, str(one)) for one in values]
    for one in typed:
        command._check_value(action, one)
    return typed if many else typed[0]


def _joined(argv: Sequence[str]) -> list[str]:
    """``--range -1:1`` as ``--range=-1:1``: argparse takes what begins with - for an option."""
    words: list[str] = []
    for word in argv:
        option = words and words[-1].startswith("--") and "=" not in words[-1]
        if option and re.match(r"-[\d.]", word):
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    typed, argv = list(argv), _joined(argv)
    name = next((word for word in argv if not word.startswith("-")), None)
    parser = build_parser(only=name or "")
    if name in COMMANDS:
        early = argparse.ArgumentParser(add_help=False)
        early.add_argument("--config")
        config = early.parse_known_args(argv)[0].config
        if config is not None:
            _apply_config(parser, name, Path(config))
    arguments = parser.parse_args(argv)
    arguments.argv = typed  # for the provenance
    if arguments.command is None:
        parser.print_help()
        raise SystemExit(2)
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 done, 1 failed, 2 wrong usage, 3 bad input, 130 interrupted."""
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv
    try:
        arguments = _parse(argv)
        status = arguments.run(arguments)
        sys.stdout.flush()
        return int(status or 0)
    except LossvizError as error:
        if debug:
            raise
        print(f"lossviz: {printable(str(error))}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("lossviz: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if debug:
            raise
        text = " ".join(str(error).split()) or type(error).__name__
        kind = type(error).__name__
        told = printable(f"{kind}: {text} (--debug shows the traceback)")
        print(f"lossviz: {told}", file=sys.stderr)
        return 1
