"""Filled to three times its budget, the disk tier stays within cache.disk + 10 %; the newest stay."""
import base64
import random
from harness import *

BUDGET, SIZE, COUNT = 16 << 20, 192 << 10, 256
RANDOM = random.Random(7)


def answer_of(number):
    """A good answer that cannot be compressed much."""
    content = base64.b64encode(RANDOM.randbytes(SIZE * 3 // 4)).decode()
    return json.dumps({"id": f"gen_{number:026d}", "object": "chat.completion", "created": 1790752558,
                       "model": MODEL, "choices": [{"index": 0, "finish_reason": "stop", "message": {
                           "role": "assistant", "content": content}}]})


with Sim() as sim, Gateway(sim, {"cache": {"memory": "1MiB", "disk": "16MiB"}}) as gateway:
    cache = os.path.join(gateway.data, "cache")
    connection = gateway.connect()
    for number in range(COUNT):
        sim.script({"raw": answer_of(number)})
        ttl = (86400, 1, 60, 3600)[number % 4]
        stored = gateway.chat(f"entry {number}", cache=True, connection=connection,
                              headers={"X-OpenRouter-Cache-TTL": str(ttl)})
        equal((stored.status, stored.cache()), (200, "MISS"))
    within = lambda: du(cache) <= BUDGET * 11 // 10
    wait_for(within, f"{cache} to come within its budget", 10)
    # The youngest that have not expired are there.
    for number in COUNT - 1, COUNT - 2, COUNT - 4, COUNT - 5:
        equal(gateway.chat(f"entry {number}", cache=True, connection=connection).cache(), "HIT",
              f"entry {number}")
    connection.close()
    check(within(), f"{du(cache)} bytes")
    check(du(cache) > BUDGET // 4, "and the budget is used")
