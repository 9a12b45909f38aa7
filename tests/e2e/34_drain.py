"""SIGTERM: running answers finish, nobody new comes in, the ledger is flushed, exit code 0."""
from harness import *

with Sim() as sim:
    gateway = Gateway(sim)
    idle = gateway.connect()
    gateway.request("GET", "/health", connection=idle)  # an idle connection must not hold it up
    connection = gateway.begin(sim_text({"chunks": 10, "gap": 200, "text": "slow story, all of it"}),
                               stream=True, cache=True)
    response = connection.getresponse()
    next_event(response)
    waiting = gateway.begin(sim_text({"delay": 1000, "text": "late"}))
    wait_for(lambda: sim.stats()["live"] == 2, "two calls")

    gateway.process.send_signal(signal.SIGTERM)

    def refused():
        try:
            socket.create_connection(("127.0.0.1", gateway.port), timeout=1).close()
        except OSError:
            return True
        return False
    wait_for(refused, "new connections to be refused", 5)
    check(gateway.process.poll() is None, "it still waits for the running answers")
    events = []
    while (event := next_event(response)) is not None:
        events.append(event)
    equal(events[-1], "[DONE]")
    late = waiting.getresponse()
    equal((late.status, json.loads(late.read())["choices"][0]["message"]["content"]), (200, "late"))
    ended = time.monotonic()
    equal(gateway.stop(), 0, "exit code")
    check(time.monotonic() - ended < 8, "no waiting for the deadline once all is done")
    rows = gateway.rows()
    equal([(row["verdict"], row["status"]) for row in rows], [("matched", "200")] * 2, "rows")
    equal(sorted(row["billed_usd"] for row in rows),
          sorted(call["gateway_cost"] for call in sim.calls()), "costs")
    check("Sanitizer" not in gateway.log_text(), gateway.log_text()[-4000:])
