"""With a memory tier far smaller than what is stored, everything is still a HIT, from the disk."""
from harness import *

COUNT, SIZE = 80, 64 << 10

with Sim() as sim, Gateway(sim, {"cache": {"memory": "1MiB"}}) as gateway:
    connection = gateway.connect()
    for number in range(COUNT):
        answer = gateway.chat(sim_text({"size": SIZE, "chunks": 50}, str(number)), stream=number % 2 == 1,
                              cache=True, connection=connection)
        equal((answer.status, answer.cache()), (200, "MISS"))
    for _ in range(2):
        for number in range(COUNT):
            answer = gateway.chat(sim_text({"size": SIZE, "chunks": 50}, str(number)), stream=number % 2 == 1,
                                  cache=True, connection=connection)
            equal((answer.status, answer.cache(), len(answer.text())), (200, "HIT", SIZE))
    connection.close()
    equal(sim.posts(), COUNT, "calls upstream")
    # Clear and expiry reach the disk tier too.
    clear = gateway.chat(sim_text({"size": SIZE, "chunks": 50}, "0"), cache=True,
                         headers={"X-OpenRouter-Cache-Clear": "true"})
    equal(clear.cache(), "MISS")
    equal(gateway.chat(sim_text({"size": SIZE, "chunks": 50}, "0"), cache=True).headers[
        "x-openrouter-cache-source-id"], clear.json()["id"])

for without in "memory", "disk":
    with Sim() as sim, Gateway(sim, {"cache": {without: 0}}) as gateway:
        answers = [gateway.chat(sim_text({"size": 1000}), cache=True) for _ in range(2)]
        equal([answer.cache() for answer in answers], ["MISS", "HIT"], f"without {without}")
