"""``python -m analyst "How is the West region doing?"``"""

import argparse
import secrets
import sys

from analyst.agent import NoAnswerError
from analyst.running import launched, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m analyst", description="Answer a question about sales.")
    parser.add_argument("question")
    parser.add_argument("--id", default=None, help="the run's id; one that ended already is not run again")
    options = parser.parse_args()
    workflow_id = options.id or f"analysis-{secrets.token_hex(4)}"
    with launched():
        print(f"run {workflow_id}", flush=True)
        try:
            print(run(options.question, workflow_id))
        except NoAnswerError as problem:
            print(f"no answer: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
