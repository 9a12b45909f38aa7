"""kill -9 twenty times at random moments under load: no paid call is lost, none is there twice.

Every request names itself by ai-reporting-user, which reaches both the row and the simulator; so
each call that the simulator counted has to be found in the ledger exactly once."""
import random
from harness import *

SEED = int(os.environ.get("TOLLGATE_E2E_SEED", "20261121"))
ROUNDS, CLIENTS = 20, 6
print(f"TOLLGATE_E2E_SEED={SEED}", flush=True)


BEHAVIOURS = [(12, {}), (3, {"delay": 300}), (6, {"gap": 15}), (3, {"gap": 60}),
              (2, {"cost_format": "exponent", "surcharge": "0.0001"}), (2, {"discount": 0.9}),
              (2, {"byok": True}), (1, {"status": 500}), (1, {"status": 429}),
              (1, {"die": "connect"}), (1, {"die": "headers"}), (1, {"die": "middle", "gap": 5}),
              (1, {"error_frame": 1}), (1, {"no_cost": True}), (1, {"no_cost": True, "gap": 20}),
              (1, {"no_cost": True, "generation": 700})]


def behaviour_of(chance):
    """What the upstream does; most answers are good, some come late or break."""
    behaviour = {"prompt_tokens": chance.randrange(1, 5000),
                 "completion_tokens": chance.randrange(1, 500), "chunks": chance.randrange(1, 8)}
    behaviour.update(chance.choices(BEHAVIOURS, [weight for weight, _ in BEHAVIOURS])[0][1])
    if not behaviour.keys() & {"delay", "gap"}:
        behaviour["delay"] = chance.randrange(1, 100)
    return behaviour


class Client(threading.Thread):
    """Asks until the gateway is gone."""

    def __init__(self, gateway, name, chance, seen):
        super().__init__(name=name, daemon=True)
        self.gateway, self.chance, self.seen = gateway, chance, seen
        self.start()

    def run(self):
        number, connection = 0, self.gateway.connect(10)
        while True:
            number += 1
            who = f"{self.name}-{number}"
            # Some share a text, so that there are hits and followers too.
            nonce = who if self.chance.random() < 0.8 else f"shared {self.chance.randrange(40)}"
            behaviour = behaviour_of(random.Random(nonce))
            try:
                answer = self.gateway.chat(sim_text(behaviour, nonce),
                                           stream=self.chance.random() < 0.5,
                                           cache=self.chance.random() < 0.7, connection=connection,
                                           headers={"ai-reporting-user": who})
            except (OSError, http.client.HTTPException):
                if self.gateway.process.poll() is not None or self.gateway.killed:
                    return
                connection.close()
                connection = self.gateway.connect(10)
                continue
            if answer.status == 200 and answer.cache() != "HIT":
                self.seen[who] = answer.headers["x-generation-id"]


def one_round(sim, data, number, chance, seen):
    gateway = Gateway(sim, data=data, own_key=OWN_KEY)
    gateway.killed = False
    clients = [Client(gateway, f"r{number}c{client}", random.Random(chance.random()), seen)
               for client in range(CLIENTS)]
    time.sleep(chance.uniform(0.02, 1.2))
    gateway.killed = True
    gateway.process.kill()
    gateway.process.wait()
    check("Sanitizer" not in gateway.log_text() and "runtime error" not in gateway.log_text(),
          gateway.log_text()[-6000:])
    for client in clients:
        client.join(DEADLINE)
    if chance.random() < 0.4:  # and once more while it recovers
        again = subprocess.Popen([f"{BUILD}/tollgate", "serve", "-c", gateway.config],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env={**os.environ, "TOLLGATE_E2E_KEY": OWN_KEY})
        time.sleep(chance.uniform(0, 0.8))
        again.kill()
        again.wait()


def settled(gateway):
    rows = gateway.rows()
    return rows if all(row["verdict"] != "pending" for row in rows) else None


with Sim() as sim:
    data, chance, seen = os.path.join(folder(), "data"), random.Random(SEED), {}
    for number in range(ROUNDS):
        one_round(sim, data, number, chance, seen)
    wait_for(lambda: sim.stats()["live"] == 0, "the last calls to break off")
    with Gateway(sim, data=data, own_key=OWN_KEY) as gateway:
        rows = wait_for(lambda: settled(gateway), "every row to settle", 60)

        calls = {call["headers"]["ai-reporting-user"]: call for call in sim.calls()}
        equal(len(calls), sim.posts(), "the gateway sent no call twice")
        paid = {}
        for row in rows:
            if row["cache"] in ("miss", "off"):
                paid.setdefault(row["user"], []).append(row)
        verdicts = {}
        for who, call in calls.items():
            equal(len(paid.get(who, [])), 1, f"rows for the call {call}")
            row = paid[who][0]
            verdicts[row["verdict"]] = verdicts.get(row["verdict"], 0) + 1
            if row["upstream_id"]:
                equal((row["upstream_id"], row["verdict"]), (call["id"], "matched"), str(call))
                equal((row["billed_usd"], row["market_usd"]),
                      (call["gateway_cost"], call["market_cost"]), str(call))
            elif row["verdict"] == "failed":
                check(call["status"] != 200 and row["status"] == str(call["status"]), f"{row} {call}")
            else:
                equal((row["verdict"], row["billed_usd"]), ("unknown", ""), str(call))
        for who, upstream_id in seen.items():
            equal(paid[who][0]["upstream_id"], upstream_id, "an id that the client was told")
        # A hold may have been taken for a call that was never sent, but only by a crash.
        unsent = [row for who, each in paid.items() if who not in calls for row in each]
        check(len(unsent) <= ROUNDS * CLIENTS, f"{len(unsent)} rows without a call")
        check(all(row["verdict"] in ("unknown", "failed") for row in unsent), f"{unsent}")
        equal(len({row["id"] for row in rows}), len(rows), "different ids")
        moments = [row["created_at"] for row in rows]
        equal(moments, sorted(moments), "oldest first")
        check(verdicts.get("matched", 0) > 100 and verdicts.get("unknown", 0) > 0,
              f"the load was a load: {verdicts}")
        print(f"{len(calls)} calls, {len(rows)} rows: {verdicts}, {len(unsent)} holds without a call")
