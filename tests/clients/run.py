"""Runs client test files with Node 22 from npm, each against a simulated upstream of its own and
one gateway in front of each of its dialects.

    run.py FILE...              what tests/run.py runs; then docs/sdks.md must say what was run
    run.py --only DIALECT FILE  one upstream dialect: vercel, openrouter or openai
    run.py --direct FILE        the SDK against the simulated upstream itself, without a gateway
"""
import argparse
import contextlib
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)
from harness import Gateway, KEY, MODEL, Sim  # noqa: E402
import table  # noqa: E402

EMBEDDING_MODEL = "openai/text-embedding-3-small"
CLAUDE = "anthropic/claude-haiku-4.5"
DIALECTS = ("vercel", "openrouter", "openai")


def run(path, arguments):
    """Exit code of one test file."""
    name = os.path.basename(path).split(".")[0]
    dialects = [arguments.only] if arguments.only else DIALECTS
    with contextlib.ExitStack() as stack:
        sim = stack.enter_context(Sim())
        origin = f"http://127.0.0.1:{sim.port}"
        if arguments.direct:
            gateways = {"sim": origin}
        else:
            gateways = {}
            for dialect in dialects:
                gateway = stack.enter_context(Gateway(sim, dialect=dialect))
                gateways[dialect] = f"http://127.0.0.1:{gateway.port}"
        complete = not arguments.direct and not arguments.only
        record = table.record_path(name) if complete else os.devnull
        done = subprocess.run(
            [os.path.join(HERE, "node_modules", "node", "bin", "node"), "--test",
             "--test-reporter=spec", *(["--test-name-pattern", arguments.test] if arguments.test else []),
             path], check=False,
            env={**os.environ, "GATEWAYS": json.dumps(gateways), "GATEWAY_KEY": KEY, "MODEL": MODEL,
                 "EMBEDDING_MODEL": EMBEDDING_MODEL, "CLAUDE": CLAUDE, "SIM_URL": origin, "RECORD": record,
                 "DIRECT": "1" if arguments.direct else ""})
    if done.returncode != 0:
        return done.returncode
    if complete and not arguments.test and table.write_section(name):
        print(f"docs/sdks.md did not say what {name} runs; it does now")
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--only", choices=DIALECTS)
    parser.add_argument("--direct", action="store_true")
    parser.add_argument("--test", help="regular expression: only tests of such names")
    arguments = parser.parse_args()
    raise SystemExit(max(run(path, arguments) for path in arguments.files))


if __name__ == "__main__":
    main()
