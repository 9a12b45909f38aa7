"""Runs every test case and ends with "N passed, N failed".

Kinds: unit (ctest: cmocka units and layering), lint, tsan (threaded units under ThreadSanitizer),
fuzz (each target for a few seconds over its corpus), e2e (tests/e2e/NN_name.py, each its own
gateway and simulated upstream), clients (tests/clients/*.test.mjs, real SDKs).
A case is a process: exit code 0 within its time passes, anything else fails and shows its output.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = "/usr/bin/python3"
# Units whose promise is about threads.
THREADED = ("cache_tape_test", "cache_tape_thread_test", "cache_ram_test", "cache_flight_test", "cache_store_test",
            "cache_store_tier_test", "server_catalog_ask_test",
            "accounting_ledger_journal_test", "accounting_ledger_close_test", "accounting_ledger_rollup_test",
            "accounting_ledger_backup_test", "accounting_ledger_drop_test", "accounting_budget_test")


class Case:
    def __init__(self, kind, name, command, seconds=120, env=None, cwd=ROOT):
        self.kind, self.name, self.command = kind, name, command
        self.seconds, self.env, self.cwd = seconds, env or {}, cwd


def unit_cases():
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=f"{ROOT}/build/dev/tests",
                             capture_output=True, text=True, check=True).stdout
    for test in json.loads(listing)["tests"]:
        yield Case("unit", test["name"], test["command"], 300)


def tsan_cases():
    env = {"TSAN_OPTIONS": f"suppressions={ROOT}/tests/tsan.suppressions halt_on_error=1"}
    for name in THREADED:
        path = f"{ROOT}/build/tsan/{name}"
        if os.path.exists(path):
            yield Case("tsan", name, [path], 400, env)


def fuzz_cases(seconds):
    for path in sorted(glob.glob(f"{ROOT}/build/fuzz/*_fuzz")):
        name = os.path.basename(path)
        corpus = f"{ROOT}/tests/fuzz/corpus/{name}"
        command = [path, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4096",
                   "-print_final_stats=1", "-artifact_prefix=/tmp/"]
        if os.path.exists(f"{ROOT}/tests/fuzz/{name}.dict"):
            command.append(f"-dict={ROOT}/tests/fuzz/{name}.dict")
        # New inputs go to a scratch folder, the committed corpus is only read.
        scratch = tempfile.mkdtemp(prefix="tollgate-fuzz-")
        yield Case("fuzz", name, ["sh", "-c", '"$@"; code=$?; rm -rf "$0"; exit $code', scratch]
                   + command + [scratch] + ([corpus] if os.path.isdir(corpus) else []),
                   seconds + 120)


def e2e_cases():
    for path in sorted(glob.glob(f"{ROOT}/tests/e2e/[0-9]*.py")):
        yield Case("e2e", os.path.basename(path)[:-3], [PYTHON, path], 300)


def client_cases():
    for path in sorted(glob.glob(f"{ROOT}/tests/clients/*.test.mjs")):
        yield Case("clients", os.path.basename(path), [PYTHON, f"{ROOT}/tests/clients/run.py", path],
                   300)


def lint_cases():
    yield Case("lint", "format, lengths, names", ["tests/lint.sh", "--quick"])
    yield Case("lint", "docs/parity.md", [PYTHON, "tests/parity/parity.py", "--check"])


def run(case):
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(case.command, cwd=case.cwd, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                   env={**os.environ, **case.env})
        try:
            code = process.wait(case.seconds)
        except subprocess.TimeoutExpired:
            code = f"no end after {case.seconds} s"
        try:  # whatever it left running
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        out.seek(0)
        return case, code, time.monotonic() - began, out.read().decode(errors="replace")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("word", nargs="?", default="")
    parser.add_argument("--only", help="one kind: unit, lint, tsan, fuzz, e2e, clients")
    parser.add_argument("--fuzz-seconds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    cases = [case for found in (lint_cases(), unit_cases(), e2e_cases(), client_cases(),
                                tsan_cases(), fuzz_cases(arguments.fuzz_seconds))
             for case in found
             if arguments.only in (None, case.kind)
             and arguments.word in f"{case.kind} {case.name}"]
    failed = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for case, code, seconds, output in pool.map(run, cases):
            good = code == 0
            print(f"{'ok  ' if good else 'FAIL'} {case.kind}: {case.name} ({seconds:.1f} s)",
                  flush=True)
            if not good:
                failed.append(case)
                print(f"  exit {code}\n" + "\n".join("  | " + line
                      for line in output.splitlines()[-120:]), flush=True)
    for case in failed:
        print(f"failed: {case.kind}: {case.name}")
    print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not cases else 0)


if __name__ == "__main__":
    main()
