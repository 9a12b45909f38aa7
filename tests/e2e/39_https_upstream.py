"""https upstreams speak HTTP/2; one whose certificate nobody signed gets neither key nor prompt."""
from harness import *

certificate = self_signed(folder())
with Sim(tls=certificate) as sim:
    with Gateway(sim) as gateway:
        answer = gateway.chat("secret")
        equal((answer.status, answer.cache()), (502, None))
        check(answer.json()["error"]["message"], "an envelope that tells")
        row = gateway.wait_rows(1)[0]
        equal((row["status"], row["verdict"]), ("502", "failed"))

    with Gateway(sim, {"workers": 1}, env={"SSL_CERT_FILE": certificate[0]}) as gateway:
        answers = in_parallel(20, lambda i: gateway.chat(
            sim_text({"chunks": 3, "gap": 50}, str(i)), stream=i % 2 == 1, cache=True))
        equal({(answer.status, answer.cache()) for answer in answers}, {(200, "MISS")})
        streamed = gateway.chat(sim_text({"chunks": 3, "gap": 50}, "1"), stream=True, cache=True)
        equal((streamed.cache(), streamed.text()), ("HIT", answers[1].text()))
        rows = gateway.wait_rows(21)
        check(all(row["verdict"] in ("matched", "free") for row in rows), "costs")
        broken = gateway.chat(sim_text({"die": "middle", "size": 4000}))
        equal((broken.status, broken.headers["x-should-retry"]), (502, "false"))

    # The harness asks in cleartext, so curl asks what came in.
    done = subprocess.run(["curl", "-sS", "--cacert", certificate[0],
                           f"https://127.0.0.1:{sim.port}/sim/calls"], capture_output=True, check=True)
    calls = [json.loads(line) for line in done.stdout.decode().splitlines()]
    equal(len(calls), 21, "nothing came in the first time")
    check({call["http"] for call in calls} <= {"2", "2.0"}, f"{ {call['http'] for call in calls} }")
