"""Measure the encoder that ships: python scripts/evaluate_encoder.py --data ../shared/data.

Prints accuracy@1 / accuracy@10 of finding the translation in each development set.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

# Run from a checkout, whether or not the package is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from searchkbd.encoders import load_encoder  # noqa: E402
from searchkbd.training.evaluate import evaluate  # noqa: E402


@click.command(help=__doc__)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
def main(data: Path) -> None:
    evaluate(load_encoder(), data, click.echo)


if __name__ == "__main__":
    main()
