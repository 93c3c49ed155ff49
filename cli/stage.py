"""Entry point of a stage: ``python -m cli.stage NAME[@ITEM]``, the command of every stage in dvc.yaml.

Errors and Ctrl-C end it without a traceback also while modules are imported.
``python -m tasks.NAME [ITEM]`` does the same work without a record.
"""

import sys


def main() -> None:
    """Run the stage that the command line names; show every error by `print_error`."""
    try:
        from cli import stage_launcher

        stage_launcher.run()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - none is shown with a traceback
        from tasks.runtime.error_output import print_error

        sys.exit(print_error(error, f"{' '.join(sys.argv[1:])} failed"))


if __name__ == "__main__":
    main()
