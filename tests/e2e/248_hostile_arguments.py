"""Whatever a command is given that it cannot mean ends with 2 and words that name it; what is well formed and not
there ends with 1; nothing is written, and a gateway's data_dir is not made by reading from it."""
from harness import *

MONTH = this_month()
COMMANDS = "serve check export report explain verify close reconcile rerate backup prices keys compare".split()
OF_A_MONTH = {"export": [], "report": [], "close": [], "verify": [], "rerate": ["--prices", PRICES],
              "reconcile": ["--report", "/dev/null"]}
BAD_MONTHS = ("", "2026", "2026-1", "2026-13", "2026-00", "20260-1", "2026-11-01", "2026-11 ", " 2026-11", "-2026-11",
              "2026/11", "２０２６-11", "0000-01", "99999-12", "2026-1a", "now", "%s%n", "A" * 5000)

code, out, err = tollgate("--help")
equal((code, err), (0, ""))
listed = re.findall(r"^  ([a-z]+) ", out, re.M)
equal([name for name in COMMANDS if name not in listed], [], "every command is listed")
for command in listed:
    code, text, err = tollgate(command, "--help")
    check(code == 0 and text.startswith("usage: tollgate " + command) and not err, f"{command} --help: {code} {err}")
    check(all(len(line) <= 100 for line in text.splitlines()), f"{command} --help is wide")
    for arguments in ((command, "--nonsense"), (command, "-c"), (command, "-c", "/nowhere/a.yaml", "--nonsense", "x")):
        code, out, err = tollgate(*arguments)
        check((code, out) == (2, "") and err.strip(), f"{arguments}: {code} {out!r} {err!r}")
for arguments in ((), ("nonsense",), ("--nonsense",), ("",), ("export\n",)):
    code, out, err = tollgate(*arguments)
    check(code == 2 and out == "" and err.strip(), f"{arguments}: {code} {out!r} {err!r}")

directory = folder()
config = os.path.join(directory, "tollgate.yaml")
with open(config, "w", encoding="utf-8") as file:
    json.dump({"listen": [{"address": "127.0.0.1:0"}], "data_dir": "data", "prices": {"file": PRICES}, "upstreams": [
        {"name": "sim", "dialect": "vercel", "base_url": "http://127.0.0.1:1/v1"}]}, file)
wrong = []


def expect(wanted, name, *arguments):
    code, out, err = tollgate(*arguments)
    what = " ".join(arguments)[:120]
    if code != wanted or out or not err.strip() or (name and name not in err) or "Sanitizer" in err:
        wrong.append(f"{what}: exit {code}, wanted {wanted}, {name!r} named: {out[:200]!r} {err[:300]!r}")


for command, more in OF_A_MONTH.items():
    for month in BAD_MONTHS:
        expect(2, month[:4] if month.strip() else "month", command, "-c", config, "--month", month, *more)
    expect(2, "month", command, "-c", config, "--month")
    if command != "verify":
        expect(2, "month", command, "-c", config, *more)
    expect(2, "-c", command, "--month", MONTH, *more)
    expect(1, "/nowhere/tollgate.yaml", command, "-c", "/nowhere/tollgate.yaml", "--month", MONTH, *more)
    expect(1, directory, command, "-c", directory, "--month", MONTH, *more)
    expect(2, None, command, "-c", config, "--month", MONTH, *more, "extra")
for by in ("nonsense", "model,", ",model", "model,,day", "", "model,model", "Model", "model day", "," * 5000, "tag;day"):
    for command in "export", "report":
        expect(2, "--by", command, "-c", config, "--month", MONTH, "--by", by)
for arguments in (["--format", "xml"], ["--format", ""], ["--format", "focus", "--profile", "2.0"], ["--jsonl"],
                  ["--savings"], ["--metadata", "x"], ["--format", "focus", "--by", "model"], ["--profile", "1.2"]):
    expect(2, "--", "export", "-c", config, "--month", MONTH, *arguments)
for key in ("", "xyz", "0" * 63, "0" * 65, "g" * 64, "/nowhere/key", directory):
    expect(2, None, "verify", "-c", config, "--key", key)
for arguments in (["explain"], ["explain", ""], ["explain", "a", "b"], ["explain", "--json"], ["backup"],
                  ["backup", "a", "b"], ["keys", "new"], ["keys", "new", "UPPER CASE"], ["keys", "new", "a" * 33],
                  ["keys", "nonsense"], ["keys", "signing"], ["prices", "show"], ["prices", "import", "nobody", "x"],
                  ["prices", "show", PRICES, MODEL, "--at", "yesterday"],
                  ["prices", "show", PRICES, MODEL, "--prompt", "-1"], ["rerate", "--month", MONTH, "--prices"],
                  ["report", "--month", MONTH, "--against", "2026-99"], ["close", "--month", MONTH, "--export", "x.txt"]):
    expect(2, None, arguments[0], *(["-c", config] if arguments[0] not in ("prices", "keys") else []), *arguments[1:])
expect(1, "nowhere.json", "rerate", "-c", config, "--month", MONTH, "--prices", "/x/nowhere.json")
expect(1, "nowhere.json", "reconcile", "-c", config, "--month", MONTH, "--report", "/x/nowhere.json")
expect(1, "/x/nowhere", "export", "-c", config, "--month", MONTH, "-o", "/x/nowhere")
for identity in "gen_nobody", "\x1b[31m", "%n%n%s", "é" * 300, "A" * 100000, "../../etc/passwd":
    expect(1, None, "explain", "-c", config, identity)
check(not os.path.exists(os.path.join(directory, "data")), "reading made no data_dir")
for each in wrong:
    print(each, file=sys.stderr)
equal(len(wrong), 0, "arguments that were not refused as they should")
