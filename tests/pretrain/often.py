"""`python often.py …` is `semcom …` with a checkpoint after every optimiser step."""

from semcom.cli import main
from semcom.training import loop

loop.CHECKPOINT_S = 0.0

if __name__ == "__main__":
    main()
