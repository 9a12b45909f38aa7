"""A backup made while requests come in opens on its own: verify passes, its exports are the ledger's of that moment,
closed months included, its reports and stories are the same, and it can be closed further with the copied key."""
from harness import *

LAST, NOW = month_before(), this_month()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


with Sim() as sim:
    with Gateway(sim, env=clock(LAST)) as gateway:
        for number in range(8):
            gateway.chat(f"{number % 4}", cache=True)
        wait_for(lambda: len(gateway.rows(month=LAST)) == 8, "8 rows")
    key = tollgate("keys", "signing", "-c", gateway.config)[1].strip()
    code, head, err = tollgate("close", "-c", gateway.config, "--month", LAST)
    equal(code, 0, err)
    admin = {"admin": {"address": f"127.0.0.1:{free_port()}"}}
    with Gateway(sim, admin, data=gateway.data) as gateway:
        wait_for(lambda: gateway.find("tollgate admin on"), "the admin address")
        for number in range(10):
            gateway.chat(f"now {number % 4}", cache=True, user="someone")
        before = gateway.settled_rows(10)
        copies, stop, sent = [os.path.join(gateway.dir, f"copy{number}") for number in range(3)], threading.Event(), []

        def go_on():
            while not stop.is_set():
                sent.append(gateway.chat(f"meanwhile {len(sent)}", stream=len(sent) % 2 == 0).status)
        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            for copy in copies:
                have = len(sent)
                wait_for(lambda: len(sent) > have + 3, "requests meanwhile")
                code, out, err = tollgate("backup", "-c", gateway.config, copy)
                equal((code, out), (0, f"copied to {copy}\n"), err)
        finally:
            stop.set()
            thread.join()
        equal(set(sent), {200}, "serving went on")
        final = {row["id"]: row for row in gateway.settled_rows(10 + len(sent))}
        closed = gateway.export(month=LAST)
        with open(gateway.config, encoding="utf-8") as file:
            settings = json.load(file)

        counts = []
        for copy in copies:
            config = write_config({**settings, "data_dir": copy, "admin": {"address": f"127.0.0.1:{free_port()}"}})

            def run(*arguments):
                code, out, err = tollgate(arguments[0], "-c", config, *arguments[1:])
                equal(code, 0, f"{arguments}: {err}")
                return out
            lines = run("verify", "--key", key).splitlines()
            equal(lines[0], f"{LAST}: 8 rows, closed, all laws hold")
            check(lines[1].startswith(f"{NOW}: ") and lines[1].endswith("rows, open, all laws hold"), lines)
            equal(run("export", "--month", LAST), closed, "the closed month")
            rows = list(csv.DictReader(io.StringIO(run("export", "--month", NOW))))
            counts.append(len(rows))
            equal(rows[:10], before, "what was there before")
            # A call that was under way is an open hold in the copy; all others are as they are.
            for row in rows:
                if row["verdict"] not in ("unknown", "pending"):
                    equal(row, final.get(row["id"], "no such row"), "a row of the copy")
            check(len([row for row in rows if row["verdict"] in ("unknown", "pending")]) <= 1, "one call at a time was under way")
            with open(os.path.join(copy, "signing-key"), "rb") as one, \
                    open(os.path.join(gateway.data, "signing-key"), "rb") as other:
                equal(one.read(), other.read())
            equal(run("report", "--month", LAST, "--json"),
                  tollgate("report", "-c", gateway.config, "--month", LAST, "--json")[1], "the report")
            equal(run("explain", before[0]["id"]), tollgate("explain", "-c", gateway.config, before[0]["id"])[1])
        check(counts == sorted(counts) and counts[0] >= 10 + 3, f"each has more: {counts}")
        code, out, err = tollgate("backup", "-c", gateway.config, copies[0])
        check(code == 1 and copies[0] in err, f"not empty: {err}")
        code, out, err = tollgate("backup", "-c", gateway.config, os.path.join(gateway.config, "in-a-file"))
        check(code == 1 and err.strip(), f"no folder: {err}")
    # The copy goes on: its month closes with the same key, and the head names the one before.
    env = clock(month_before(NOW, -1), 3)
    code, out, err = tollgate("close", "-c", config, "--month", NOW, "--with-pending", env=env)
    equal(code, 0, err)
    check(f"\nkey {key}\n" in out, out)
    code, out, err = tollgate("verify", "-c", config, "--key", key, env=env)
    equal((code, len(out.splitlines())), (0, 2), out + err)
