"""`gen3d-train`: render or prepare pictures, train on them, export the model, judge it.

Little is imported before its function runs, so that an interrupt ends the command as it should at once after its start,
too.
"""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 2 a mistake named in one line on stderr, 130 interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        from training.interrupts import take_an_end_as_an_interrupt

        take_an_end_as_an_interrupt()
        from training.command_line import run_command

        return run_command(given)
    except KeyboardInterrupt:
        from gen3d_core.cli.terminal import complain

        resumes = given[:1] in (["train"], ["encoder"])
        complain(
            f"interrupted: {'the same command goes on where this one stopped' if resumes else 'nothing was written'}"
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())
