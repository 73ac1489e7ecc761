"""The training itself, as a process of its own: ``python -m bot.rasa_train MODEL``.

Works in the project's folder. Rasa's cache (``RASA_CACHE_DIRECTORY``) trains only what changed.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from bot import logs, rasa_light

CONFIG, DOMAIN, DATA = "config.yml", "domain.yml", "data"


def train(model: Path, *, force: bool = False) -> bool:
    """Train a model from the project in the current folder.

    Args:
        model: Where to write it, a ``.tar.gz``.
        force: Train everything, whatever is in the cache.

    Returns:
        Whether there is a model now.
    """
    logging.info("TensorFlow is kept out: %s", rasa_light.for_training(Path(CONFIG)))
    from rasa.model_training import train as rasa_train

    result = rasa_train(
        DOMAIN,
        CONFIG,
        DATA,
        output=str(model.parent),
        fixed_model_name=model.name,
        force_training=force,
    )
    return result.code == 0 and result.model is not None


def main() -> None:
    """Read the command line and train; the exit status says whether it worked."""
    parser = argparse.ArgumentParser(prog="bot.rasa_train", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--force", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logs.adopt_others()
    sys.exit(0 if train(given.model, force=given.force) else 1)


if __name__ == "__main__":
    main()
