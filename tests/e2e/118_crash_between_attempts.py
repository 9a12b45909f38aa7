"""kill -9 while requests fall back from one upstream to the next and streams change their dialect: every
call that an upstream counted is in the ledger exactly once, with its cost where it has one.

Every request names itself by `user`, which reaches both the row and whichever simulator is asked."""
import random
from harness import *

SEED = int(os.environ.get("TOLLGATE_E2E_SEED", "20261121"))
ROUNDS, CLIENTS = 6, 6
print(f"TOLLGATE_E2E_SEED={SEED}", flush=True)
KEYS = {f"TOLLGATE_{name}": OWN_KEY for name in ("FIRST", "SECOND")}


def scripted(chance, count):
    """Half of what the first upstream is asked goes on to the second."""
    kinds = [{"status": 503}, {"status": 429, "retry_after": "0"}, {"status": 500, "delay": 40},
             {"chunks": 6, "gap": 15}, {"delay": 30}, {}]
    return [{**chance.choice(kinds), "text": "a b c d e f"} for _ in range(count)]


class Client(threading.Thread):
    def __init__(self, gateway, name, chance):
        super().__init__(name=name, daemon=True)
        self.gateway, self.chance, self.asked = gateway, chance, 0
        self.start()

    def run(self):
        while not self.gateway.killed:
            self.asked += 1
            base = self.chance.choice(("/v1", "/api/v1"))
            body = {"model": MODEL, "user": f"{self.name}-{self.asked}", "stream":
                    self.chance.random() < 0.6, "messages": [{"role": "user", "content": "x"}]}
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.gateway.post(f"{base}/chat/completions", body,
                                  cache=self.chance.random() < 0.5)


def user_of(call):
    body = json.loads(call["body"])
    return body.get("user") or body["providerOptions"]["gateway"]["user"]


with Sim("--log-bodies") as first, Sim("--log-bodies") as second:
    config = {"upstreams": [first.upstream("first", api_key_env="TOLLGATE_FIRST"),
                            second.upstream("second", "openrouter", api_key_env="TOLLGATE_SECOND")]}
    data, chance = os.path.join(folder(), "data"), random.Random(SEED)
    first.script(*scripted(chance, 4000))
    second.script(*[{"text": "a b c d e f", "gap": chance.randrange(10), "chunks": 6}
                    for _ in range(4000)])
    for number in range(ROUNDS):
        gateway = Gateway(first, config, data=data, env=KEYS)
        gateway.killed = False
        clients = [Client(gateway, f"r{number}c{client}", random.Random(chance.random()))
                   for client in range(CLIENTS)]
        time.sleep(chance.uniform(0.1, 0.9))
        gateway.killed = True
        gateway.process.kill()
        gateway.process.wait()
        check("Sanitizer" not in gateway.log_text() and "runtime error" not in gateway.log_text(),
              gateway.log_text()[-6000:])
        for client in clients:
            client.join(DEADLINE)
    wait_for(lambda: not first.stats()["live"] and not second.stats()["live"], "calls to break off")
    with Gateway(first, config, data=data, env=KEYS) as gateway:
        def settled():
            rows = gateway.rows()
            return rows if all(row["verdict"] != "pending" for row in rows) else None
        rows = wait_for(settled, "every row to settle", 60)
        by_user = {}
        for row in rows:
            by_user.setdefault(row["user"], []).append(row)
        paid, asked, verdicts = {}, set(), {}
        for sim in first, second:
            calls = sim.calls()
            equal(len(calls), sim.posts())
            for call in calls:
                asked.add(user_of(call))
                if call["status"] == 200:
                    check(user_of(call) not in paid, f"paid once: {call}")
                    paid[user_of(call)] = call
        for user, call in paid.items():
            mine = by_user.get(user, [])
            equal(len(mine), 1, f"rows of {user}: {mine} for {call}")
            row = mine[0]
            verdicts[row["verdict"]] = verdicts.get(row["verdict"], 0) + 1
            equal(row["upstream"], "first" if call["dialect"] == "vercel" else "second", str(row))
            if row["upstream_id"]:
                equal((row["upstream_id"], row["verdict"], row["billed_usd"]),
                      (call["id"], "matched", call["gateway_cost"]), f"{row} {call}")
            else:
                equal((row["verdict"], row["billed_usd"]), ("unknown", ""), f"{row} {call}")
        for user in asked - set(paid):
            equal(len(by_user.get(user, [])), 1, f"rows of {user}, which was only refused")
            check(by_user[user][0]["verdict"] in ("failed", "unknown"), str(by_user[user]))
        unsent = [row for user, each in by_user.items() if user not in asked for row in each]
        check(all(row["verdict"] in ("unknown", "failed") for row in unsent), f"{unsent}")
        check(len(unsent) <= ROUNDS * CLIENTS, f"holds without a call: {len(unsent)}")
        equal(len({row["id"] for row in rows}), len(rows), "different ids")
        fallen = sum(row["route"] == "fallback" for row in rows)
        check(verdicts.get("matched", 0) > 30 and fallen > 5, f"the load was a load: {verdicts} {fallen}")
        print(f"{len(rows)} rows, {fallen} fell back: {verdicts}, {len(unsent)} without a call")
