"""docs/sdks.md: which SDK was run with which features. The client tests write it.

Every test file records the features that passed (build/clients/NAME.json); its section of the page is
made from that record. --check compares the page with the records of the last run, --write makes it anew.
"""
import contextlib
import fcntl
import glob
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PAGE = os.path.join(ROOT, "docs", "sdks.md")
UPSTREAMS = ("vercel", "openrouter", "openai")

HEAD = """# SDKs that were run

Real SDKs from npm, unmodified, with nothing but their base URL changed. `./dev test` runs every line of these tables
against a gateway in front of a simulated upstream, and writes them: a line is here because it passed.

A column is the dialect of the upstream behind the gateway, a base path is where the SDK was pointed.

| word | means |
|---|---|
| MISS, HIT | asked twice: first from the upstream, then from the cache under a fresh id, with the same content and every usage counter and cost zero |
| passed on | forwarded and recorded in the ledger, not cached |
| read | a GET, answered in the schema that the SDK validates |
| typed error | arrives as the SDK's own error class |
| yes | works as named |
| (empty) | not offered with that upstream |
"""


def record_path(name):
    folder = os.path.join(ROOT, "build", "clients")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, f"{name}.json")


def test_names():
    return sorted(os.path.basename(path).split(".")[0] for path in glob.glob(f"{HERE}/*.test.mjs"))


def section(name):
    """The page's part that a test file's record makes; None: it has not been run."""
    try:
        with open(record_path(name), encoding="utf-8") as file:
            rows = json.load(file)
    except FileNotFoundError:
        return None
    lines = []
    for sdk in dict.fromkeys(row["sdk"] for row in rows):
        mine = [row for row in rows if row["sdk"] == sdk]
        lines += ["", f"## {sdk} {mine[0]['version']}", "",
                  "| base path | feature | " + " | ".join(UPSTREAMS) + " |",
                  "|---|---|" + "---|" * len(UPSTREAMS)]
        cells = {(row["base"], row["feature"], row["upstream"]): row["how"] for row in mine}
        for base, feature in dict.fromkeys((row["base"], row["feature"]) for row in mine):
            found = [cells.get((base, feature, upstream), "") for upstream in UPSTREAMS]
            lines.append(f"| `{base}` | {feature} | " + " | ".join(found) + " |")
    return "\n".join(lines).strip() + "\n"


def marked(name, text):
    return f"<!-- {name} -->\n{text}<!-- /{name} -->\n"


def read_page():
    with contextlib.suppress(FileNotFoundError):
        with open(PAGE, encoding="utf-8") as file:
            return file.read()
    return ""


def sections_of(page):
    return dict(re.findall(r"<!-- ([\w-]+) -->\n(.*?)<!-- /\1 -->\n", page, re.S))


def print_page(sections):
    return HEAD + "".join("\n" + marked(name, sections[name]) for name in test_names()
                          if name in sections)


def write_section(name):
    """Puts a test file's section into the page; true: the page said something else before.

    Several test files run at once: the folder is locked meanwhile."""
    text = section(name)
    with open(os.path.join(os.path.dirname(record_path(name)), "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        page = read_page()
        wanted = print_page({**sections_of(page), name: text})
        if page == wanted:
            return False
        with open(PAGE + ".new", "w", encoding="utf-8") as file:
            file.write(wanted)
        os.replace(PAGE + ".new", PAGE)
        return True


def main():
    page = read_page()
    made = {name: section(name) for name in test_names()}
    missing = [name for name, text in made.items() if text is None]
    if sys.argv[1:] == ["--write"] and not missing:
        os.makedirs(os.path.dirname(PAGE), exist_ok=True)
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(print_page(made))
    elif sys.argv[1:] != ["--check"]:
        raise SystemExit(f"not run yet: {', '.join(missing)}" if missing else __doc__)
    elif missing or page != print_page(made):
        raise SystemExit("docs/sdks.md is not what the client tests ran"
                         + (f"; not run yet: {', '.join(missing)}" if missing else ""))


if __name__ == "__main__":
    main()
