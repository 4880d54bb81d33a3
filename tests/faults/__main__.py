"""`python -m tests.faults --cases 2000`: try malformed model files, kills and odd environments, print a table, end with
1 where one was a fault."""

import argparse
import signal
import sys

from tests.faults.campaign import SORTS, as_table, run_campaign


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="number of the first case (default 0)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sort", choices=SORTS, help="cases of one sort alone (default: all mixed)")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what is ignored here is ignored by what is started
    tried = []
    try:
        for each in run_campaign(options.cases, options.seed, options.first, options.sort):
            tried.append(each)
            if each.outcome.faults:
                print(f"case {each.number} ({each.sort}: {each.kind}): {'; '.join(each.outcome.faults)}", flush=True)
    except KeyboardInterrupt:
        print("interrupted")
    print(as_table(tried))
    return int(any(each.outcome.faults for each in tried))


if __name__ == "__main__":
    sys.exit(main())
