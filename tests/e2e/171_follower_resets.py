"""An HTTP/2 follower that resets its stream leaves a row; its body, which is freed by then, is not read
again. With the request log on, too."""
from harness import *

for log in False, True:
    config = {"workers": 1, "request_log": {"enabled": log}}
    with Sim() as sim, Gateway(sim, config) as gateway:
        for number in range(2):
            body = chat_body(sim_text({"delay": 1500, "chunks": 2}, "p" * 12000), stream=True,
                             user=f"user-{number}")
            client = H2(gateway.port)
            leader = client.post(body, {"x-openrouter-cache": "true"})
            wait_for(lambda: sim.posts() == number * 2 + 1, "the leader's call")
            follower = client.post(body, {"x-openrouter-cache": "true"})  # byte for byte the same
            client.answer(client.post(chat_body(f"between {number}")))  # it has been taken up by now
            client.reset(follower)
            client.answer(leader)
            client.close()
        rows = gateway.settled_rows(6)
        left = [row for row in rows if row["status"] == "499"]
        equal([(row["cache"], row["user"]) for row in left],
              [("collapsed", "user-0"), ("collapsed", "user-1")], str(rows))
