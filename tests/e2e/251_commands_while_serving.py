"""While requests of every kind come in, settle late and change their version, verify, report, every export and FOCUS
with its validator go on to succeed, and each sees whole requests only."""
from harness import *

MONTH = this_month()


def commands(gateway):
    return (("verify",), ("report", "--month", MONTH, "--json"), ("report", "--month", MONTH, "--json", "--by", "tag"),
            ("export", "--month", MONTH), ("export", "--month", MONTH, "--by", "model,tag"),
            ("export", "--month", MONTH, "--format", "focus", "--savings"),
            ("export", "--month", MONTH, "--format", "focus", "-o", os.path.join(gateway.dir, "focus.csv")),
            ("rerate", "--month", MONTH, "--prices", PRICES, "--json"))


with Sim("--generation-delay", "300") as sim, Gateway(sim, own_key=OWN_KEY) as gateway:
    stop, statuses = threading.Event(), []

    def traffic(lane):
        number = 0
        while not stop.is_set():
            behaviour = [{}, {"cached_tokens": 1, "prompt_tokens": 90}, {"market": "0.01", "billed": "0.01"},
                         {"no_cost": True}, {"no_cost": True, "generation": "never"}, {"die": "middle", "chunks": 4},
                         {"status": 500}, {"discount": 0.5}][number % 8]
            answer = gateway.begin(sim_text(behaviour, f" {number % 40}"), stream=number % 8 in (3, 4, 5),
                                   cache=number % 2 == 0, headers={"ai-reporting-tags": "a,b"})
            with contextlib.suppress(OSError, http.client.HTTPException):
                response = answer.getresponse()
                statuses.append(response.status)
                response.read()
            answer.close()
            number += 1
    threads = [threading.Thread(target=traffic, args=(lane,)) for lane in range(3)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(statuses) > 40, "requests")
        counts = []
        for _ in range(4):
            for arguments in commands(gateway):
                code, out, err = tollgate(arguments[0], "-c", gateway.config, *arguments[1:])
                check(code == 0 and "Sanitizer" not in err, f"{arguments}: {code} {out[-500:]} {err[-2000:]}")
                check("FAIL" not in err and "breach" not in out, f"{arguments}: {err}")
            rows = gateway.rows()
            equal(len({row["id"] for row in rows}), len(rows), "no request twice")
            counts.append(len(rows))
        equal(counts, sorted(counts), "more and more")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    check(200 in statuses and 500 in statuses, "of both kinds")
# At rest all of them say the same.
config = gateway.config
rows = gateway.rows()
report = gateway.report()
equal(report["totals"]["requests"], len(rows))
equal(Decimal(report["totals"]["spend_usd"]), sum(Decimal(row["booked_usd"]) for row in rows if row["booked_usd"]))
focus = list(csv.DictReader(io.StringIO(gateway.export("--format", "focus"), newline="")))
equal(sum(Decimal(line["BilledCost"]) for line in focus), Decimal(report["totals"]["spend_usd"]))
code, out, err = tollgate("verify", "-c", config)
equal((code, err), (0, ""), out)
