"""tollgate verify: what the gateway records keeps every law, while it runs, after kill -9 and once
months are closed; who trusts another key is told, and so is who asks for nonsense.

parity: signed-months
"""
from harness import *


def verify(config, *arguments):
    return tollgate("verify", "-c", config, *arguments)


def holds(config, *arguments):
    """All laws hold; the lines by month."""
    code, out, err = verify(config, *arguments)
    check(code == 0 and "breach" not in out, f"{code}\n{out}\n{err}")
    return dict(line.split(": ", 1) for line in out.splitlines())


def last_month(back=1):
    year, month = map(int, this_month().split("-"))
    number = year * 12 + month - 1 - back
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def traffic(gateway, sim, round_):
    """Rows of many kinds: paid, hits, followers, refused, broken off, of every endpoint family."""
    for number in range(4):
        gateway.chat(f"question {round_} {number}", cache=True, user="someone")
        gateway.chat(f"question {round_} {number}", cache=True, user="someone else")
        gateway.chat(f"stream {round_} {number}", cache=True, stream=True)
    for behaviour in ({"status": 429}, {"status": 500},
                      {"prompt_tokens": 7, "completion_tokens": 0}):
        gateway.chat(sim_text(behaviour, f" {round_}"))
    gateway.chat("model that nobody prices " + str(round_), model="acme/unheard-of")
    together = [gateway.begin(sim_text({"delay": 300}, f" {round_}"), cache=True) for _ in range(3)]
    for connection in together:
        connection.getresponse().read()
        connection.close()
    leaving = gateway.begin(sim_text({"chunks": 50, "gap": 20}, f" {round_}"), stream=True)
    next_event(leaving.getresponse())
    leave(leaving)


with Sim() as sim:
    first = Gateway(sim, own_key=OWN_KEY)
    equal(holds(first.config), {}, "nothing was recorded yet")
    traffic(first, sim, 1)
    lines = holds(first.config)
    equal(list(lines), [this_month()])
    check(re.fullmatch(r"\d+ rows, open, all laws hold", lines[this_month()]), lines[this_month()])
    equal(holds(first.config, "--month", last_month()), {}, "another month")

    # Calls under way are open holds; after kill -9 they are rows.
    waiting = first.begin(sim_text({"delay": 8000}), cache=True)
    wait_for(lambda: sim.stats()["live"] >= 1, "a call under way")
    holds(first.config)
    first.kill()
    holds(first.config)

    with Gateway(sim, data=first.data, own_key=OWN_KEY) as second:
        traffic(second, sim, 2)
        wait_for(lambda: "pending" not in [row["verdict"] for row in second.rows()], "late costs")
        equal(list(holds(second.config)), [this_month()])
        config = second.config
    equal(list(holds(config)), [this_month()], "and once it has stopped")

    # Closed months: of this one nothing can be closed yet, but those before it, empty, can.
    code, out, err = tollgate("keys", "signing", "-c", config)
    equal(code, 0, err)
    key = re.search(r"\b[0-9a-f]{64}\b", out).group(0)
    for back in (2, 1):
        code, out, err = tollgate("close", "-c", config, "--month", last_month(back))
        equal(code, 0, err)
    lines = holds(config)
    equal(list(lines), [last_month(2), last_month(), this_month()])
    equal(lines[last_month()], "0 rows, closed, all laws hold")
    equal(list(holds(config, "--month", last_month())), [last_month()])
    key_file = os.path.join(folder(), "key")
    with open(key_file, "w", encoding="ascii") as file:
        file.write(key + "\n")
    equal(holds(config, "--key", key), lines)
    equal(holds(config, "--key", key_file), lines)
    other = ("0" if key[0] != "0" else "1") + key[1:]
    code, out, err = verify(config, "--key", other)
    equal(code, 1)
    check(f"{last_month(2)}: its head was signed by another key" in out, out)
    check(f"{last_month(2)}: its head was signed by another key" in err, err)

    # A database that the disk damaged is said to be, one way or the other.
    database = os.path.join(first.data, "ledger", "db")
    for name in sorted(os.listdir(database)):
        path = os.path.join(database, name)
        if not name.endswith(".sst") or os.path.getsize(path) < 2000:
            continue
        with open(path, "r+b") as file:
            file.seek(700)
            byte = file.read(1)
            file.seek(700)
            file.write(bytes([byte[0] ^ 0x10]))
        code, out, err = verify(config)
        check(code == 1 and err.strip(), f"{name} is damaged: {code}\n{out}\n{err}")
        break

for arguments in (("verify",), ("verify", "-c", config, "--month", "2026-13"),
                  ("verify", "-c", config, "more"), ("verify", "-c", config, "--key", "abc"),
                  ("verify", "--nonsense")):
    code, out, err = tollgate(*arguments)
    check((code, out) == (2, "") and err.strip(), f"{arguments}: {code} {out} {err}")
code, out, err = tollgate("verify", "--help")
check(code == 0 and out.startswith("usage: tollgate verify"), out)
