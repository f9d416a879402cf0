"""`phaseline`, and `python -m phaseline`."""

import gc


def main() -> None:
    """Run the command.

    What is imported stays until the process ends: looking for garbage in it, while it is being imported and again at
    the end, takes a third of the time of all that a short command does.
    """
    gc.disable()
    from phaseline.cli import app

    gc.freeze()
    gc.enable()
    app()


if __name__ == "__main__":
    main()
