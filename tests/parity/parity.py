"""Writes docs/parity.md: what four gateways have, whether Tollgate has it, and which test shows it.

A test claims features in its first comment with a line `parity: id, id` (Python, C and JavaScript
alike). A feature that no test claims is missing, and is listed as such. With --check nothing is
written and a table that is out of date fails.
"""
import glob
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = f"{ROOT}/docs/parity.md"
VENDORS = (("openrouter", "OpenRouter"), ("vercel", "Vercel AI Gateway"),
           ("llmgateway", "LLMGateway"), ("aistats", "AI Stats"))
INTRO = """# Parity

What gateways for language models offer, and what Tollgate does. `yes` and `no` are what their own
documentation says; `-` means that we could not establish it. A cell of Tollgate's column names the test
that shows the feature; the suite checks that the test exists and that this page is up to date.

Made by `tests/parity/parity.py` from the tests; do not edit.
"""


def claims():
    """Feature id -> tests, by path below tests/."""
    found = {}
    for pattern in ("e2e/*.py", "clients/*.mjs", "accounting/*.c", "cache/*.c", "server/*.c",
                    "server/dialect/*.c"):
        for path in sorted(glob.glob(f"{ROOT}/tests/{pattern}")):
            with open(path, encoding="utf-8") as file:
                head = file.read(4000)
            for line in re.findall(r"parity: ([a-z0-9, -]+)", head):
                for feature in line.split(","):
                    if feature.strip():
                        found.setdefault(feature.strip(), []).append(
                            os.path.relpath(path, f"{ROOT}/tests"))
    return found


def table(groups, found):
    lines, missing = [INTRO], []
    for group in groups:
        lines.append(f"## {group['group']}\n")
        lines.append("| feature | " + " | ".join(name for _, name in VENDORS) + " | Tollgate |")
        lines.append("|---" * (len(VENDORS) + 2) + "|")
        for feature in group["features"]:
            tests = found.get(feature["id"], [])
            cell = ", ".join(f"[{os.path.splitext(os.path.basename(test))[0]}](../tests/{test})"
                             for test in tests[:3])
            if not tests:
                missing.append(feature["text"])
            lines.append("| " + " | ".join([feature["text"]] + [feature[key] for key, _ in VENDORS]
                                           + [cell or "**missing**"]) + " |")
        lines.append("")
    lines.append("## Missing\n")
    lines += [f"- {text}" for text in missing] or ["Nothing that is named above."]
    return "\n".join(lines) + "\n"


def main():
    with open(f"{ROOT}/tests/parity/features.json", encoding="utf-8") as file:
        groups = json.load(file)
    known = [feature["id"] for group in groups for feature in group["features"]]
    found = claims()
    unknown = sorted(set(found) - set(known))
    if unknown or len(known) != len(set(known)):
        sys.exit(f"tests claim features that tests/parity/features.json does not have: {unknown}")
    text = table(groups, found)
    if "--check" not in sys.argv:
        with open(TABLE, "w", encoding="utf-8") as file:
            file.write(text)
        return
    with open(TABLE, encoding="utf-8") as file:
        if file.read() != text:
            sys.exit("docs/parity.md is out of date: run tests/parity/parity.py")


main()
