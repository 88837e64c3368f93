"""The command line: exit codes, help, errors of one line, options from a file."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lossviz
from lossviz import cli, ply
from lossviz.errors import InputError, LossvizError, UsageError
from tests.viewer.scenes import bumpy


@pytest.fixture
def landscape(tmp_path):
    path = tmp_path / "bumpy.ply"
    ply.write(bumpy(11), path)
    return path


@pytest.fixture
def command(monkeypatch):
    """``command(run)``: put a function in the place of what ``lossviz info`` does."""

    def replace(run):
        monkeypatch.setattr("lossviz.commands.info.run", run)

    return replace


def lossviz_process(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "lossviz", *map(str, words)],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def one_line(capsys):
    """The only line on stderr."""
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("lossviz: ")
    assert told.err.count("\n") == 1
    return told.err


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_of_every_command(name, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([name, "--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert f"usage: lossviz {name}" in told
    assert "--config" in told
    assert "--debug" in told


def test_help_lists_all_commands(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert all(name in told and summary[:20] in told for name, summary in cli.COMMANDS.items())


def test_every_command_has_a_module_and_every_module_a_command():
    folder = Path(lossviz.__file__).parent / "commands"
    loaded = {p.stem: importlib.import_module(f"lossviz.commands.{p.stem}")
              for p in folder.glob("*.py") if p.stem != "__init__"}  # fmt: skip
    runs = {name for name, module in loaded.items() if hasattr(module, "run")}
    assert runs == {name for name, module in loaded.items() if hasattr(module, "add_arguments")}
    assert runs == set(cli.COMMANDS)


def test_arguments_load_nothing_heavy():
    """What is set for numpy's and torch's threads at the start has to come before them."""
    code = (
        "import sys; from lossviz.cli import build_parser; build_parser(); "
        "print([n for n in ('numpy', 'torch', 'moderngl', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_version(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"lossviz {lossviz.__version__}\n"


def test_no_command_prints_the_help_and_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([])
    assert left.value.code == 2
    assert "usage: lossviz" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, part",
    [
        (["no_such_command"], "no_such_command"),
        (["info"], "FILE"),
        (["info", "x.ply", "--no-such-option"], "--no-such-option"),
        (["surface", "--grid", "eleven"], "eleven"),
        (["render", "x.ply", "-o", "x.png", "--size", "big"], "big"),
        (["render", "x.ply", "-o", "x.png", "--theme", "pink"], "pink"),
        (["render", "x.ply", "-o", "x.png", "--color-range", "5:1"], "LOW:HIGH such as 0.1:10"),
        (["view", "x.ply", "--color-range", "nan:1"], "nan:1"),
    ],
)
def test_wrong_usage_is_one_line_and_2(words, part, capsys):
    assert cli.main(words) == 2
    assert part in one_line(capsys)


@pytest.mark.parametrize("words", [["info"], ["view"], ["render", "-o", "x.png"]])
def test_a_missing_file_is_one_line_and_3(words, tmp_path, capsys):
    assert cli.main([*words, str(tmp_path / "absent.ply")]) == 3
    assert "absent.ply" in one_line(capsys)


def test_a_bad_file_is_one_line_and_3(tmp_path, capsys):
    path = tmp_path / "bad.ply"
    path.write_bytes(b"ply\nformat ascii 1.0\nelement vertex 99999999999\n")
    assert cli.main(["info", str(path)]) == 3
    assert "bad.ply" in one_line(capsys)


@pytest.mark.parametrize(
    "error, status",
    [
        (LossvizError("it failed"), 1), (UsageError("not so"), 2), (InputError("a.ply: bad"), 3),
        (ValueError("first\n  second"), 1), (RuntimeError(), 1), (KeyboardInterrupt(), 130),
    ],
)  # fmt: skip
def test_errors_of_commands(error, status, command, capsys):
    def run(arguments):
        raise error

    command(run)
    assert cli.main(["info", "x.ply"]) == status
    told = one_line(capsys)
    if not isinstance(error, KeyboardInterrupt):
        assert (" ".join(str(error).split()) or "RuntimeError") in told


@pytest.mark.parametrize("error", [LossvizError("it failed"), ValueError("no")])
def test_debug_shows_the_traceback(error, command):
    def run(arguments):
        raise error

    command(run)
    with pytest.raises(type(error)):
        cli.main(["info", "x.ply", "--debug"])


def test_statuses_of_commands(command):
    command(lambda arguments: None)
    assert cli.main(["info", "x.ply"]) == 0
    command(lambda arguments: 3)
    assert cli.main(["info", "x.ply"]) == 3


def test_negative_values_need_no_equals_sign(monkeypatch):
    seen = []
    monkeypatch.setattr("lossviz.commands.surface.run", seen.append)
    words = ["surface", "--model", "m:f", "--checkpoint", "c.pt", "--data", "digits"]
    assert cli.main([*words, "--range", "-1.5:0.5", "-o", "x.ply"]) == 0
    assert cli.main([*words, "--range=-1.5:0.5", "-o", "x.ply"]) == 0
    assert seen[0].range == seen[1].range


# ── options from a file ──────────────────────────────────────────────────────────────────────────


def config(tmp_path, text):
    path = tmp_path / "options.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_config_gives_defaults_and_the_command_line_wins(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("lossviz.commands.render.run", seen.append)
    file = config(tmp_path, 'size = "640x480"\n[render]\noutput = "a.png"\ntransparent = true\n')
    assert cli.main(["render", "x.ply", "--config", file]) == 0
    assert (seen[0].size, seen[0].output, seen[0].transparent) == ((640, 480), "a.png", True)
    assert cli.main(["render", "x.ply", "--config", file, "--size", "800x600", "-o", "b.png"]) == 0
    assert (seen[1].size, seen[1].output) == ((800, 600), "b.png")


def test_config_calls_an_option_as_the_command_line_does(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("lossviz.commands.render.run", seen.append)
    for number, key in enumerate(("scale-of", "scale_of")):
        file = config(tmp_path, f'{key} = "log"\noutput = "a.png"\n"color-range" = "1:2"\n')
        assert cli.main(["render", "x.ply", "--config", file]) == 0
        assert (seen[number].value_scale, seen[number].color_range) == ("log", (1, 2))


@pytest.mark.parametrize(
    "text, part, status",
    [
        ("sise = 3", "sise", 2), ("size = ", "TOML", 3), ('size = "big"', "big", 2),
        ('supersample = "many"', "many", 2), ('theme = "pink"', "pink", 2),
        ("transparent = 3", "true or false", 2), ("render = 3", "unknown option 'render'", 2),
        ("scale = [1, 2]", "one value", 2), ("help = true", "it knows azimuth, bands, basins", 2),
    ],
)  # fmt: skip
def test_a_wrong_config_is_one_line(text, part, status, tmp_path, capsys):
    file = config(tmp_path, text)
    assert cli.main(["render", "x.ply", "-o", "x.png", "--config", file]) == status
    assert part in one_line(capsys)


def test_a_missing_config_is_one_line_and_3(tmp_path, capsys):
    assert cli.main(["info", "x.ply", "--config", str(tmp_path / "absent.toml")]) == 3
    assert "absent.toml" in one_line(capsys)


def test_a_config_with_a_table_of_another_command_is_fine(tmp_path, landscape, capsys):
    file = config(tmp_path, '[surface]\ngrid = "3x3"\n')
    assert cli.main(["info", str(landscape), "--config", file]) == 0
    assert "11" in capsys.readouterr().out


# ── as a process ─────────────────────────────────────────────────────────────────────────────────


def test_the_process_ends_with_the_status_and_no_traceback(tmp_path):
    done = lossviz_process("info", tmp_path / "absent.ply")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_the_installed_command_is_the_same():
    script = Path(sys.executable).with_name("lossviz")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"lossviz {lossviz.__version__}\n"


def test_a_closed_pipe_ends_quietly(landscape):
    """``lossviz info x.ply --json | head -c 0`` is no error worth a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "lossviz", "info", str(landscape), "--json"],
            stdout=pipe, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_view_without_a_display_draws_files(landscape, tmp_path):
    """What ``make view`` does on a machine without a screen."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if sys.platform == "darwin":
        pytest.skip("macOS always has a display")
    done = lossviz_process("view", landscape, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "out/bumpy.png" in done.stdout
    assert (tmp_path / "out" / "bumpy.png").stat().st_size > 1000


def test_errors_do_not_command_the_terminal(monkeypatch, capsys):
    monkeypatch.setattr("lossviz.commands.info.run", lambda args: (_ for _ in ()).throw(
        InputError("a.pt: \x1b[31mred\x07")))  # fmt: skip
    assert cli.main(["info", "x.ply"]) == 3
    assert capsys.readouterr().err == "lossviz: a.pt: ?[31mred?\n"


@pytest.mark.parametrize("path", ["/dev/zero", ".", "nothing.toml"])
def test_options_come_from_a_small_regular_file(path, capsys):
    assert cli.main(["info", "x.ply", "--config", path]) == 3
    assert "TOML" in capsys.readouterr().err
