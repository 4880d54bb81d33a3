"""The console command `gen3d`: meshes from a model file, on the command line.

Nothing is imported before its function runs, so that Ctrl-C ends the command as it should at once after its start, too.
"""

from __future__ import annotations


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 2 a mistake named in one line on stderr, 130 interrupted."""
    try:
        from gen3d_core.cli.command_line import run_command

        return run_command(arguments)
    except KeyboardInterrupt:
        from gen3d_core.cli.terminal import complain

        complain("\ninterrupted")
        return 130
