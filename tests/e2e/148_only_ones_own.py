"""What is answered from the ledger shows the caller's own rows: to another key a row does not exist, in
either dialect, by any of its ids, hit or miss; and it takes a key at all.

parity: generation-records, key-and-credits
"""
from harness import *

OTHER = "vck_another_client"
with Sim() as sim, Gateway(sim, {"request_log": {"enabled": True}}) as gateway:
    ids = set()
    for base in "/v1", "/api/v1":
        for _ in range(2):
            answer = gateway.post(f"{base}/chat/completions", {"model": MODEL, "messages": [
                {"role": "user", "content": "mine"}]}, cache=True)
            ids.add(answer.headers["x-generation-id"])
    equal(len(ids), 4)
    reads = ("/v1/generation?id=", "/api/v1/generation?id=", "/v1/generations?id=",
             "/api/v1/generations?id=")
    for identity in ids:
        for path in reads:
            wait_for(lambda: gateway.get(path + identity).status == 200, f"{path}{identity}")
            stranger = gateway.get(path + identity, key=OTHER)
            unknown = gateway.get(path + identity[:-1] + ("0" if identity[-1] != "0" else "1"), key=OTHER)
            equal((stranger.status, unknown.status), (404, 404), path)
            equal(sorted(stranger.json()), sorted(unknown.json()), "as if it did not exist")
            check(b"mine" not in stranger.body, "nothing of it")
            equal(gateway.get(path + identity, key=None).status, 401, path)
            # The key may come as Anthropic's clients send it.
            equal(gateway.get(path + identity, key=None, headers={"x-api-key": KEY}).status, 200, path)
    for path in "/v1/key", "/api/v1/key":
        equal(gateway.get(path, key=OTHER).json()["data"]["usage"], 0)
        check(gateway.get(path).json()["data"]["usage"] > 0, "ones own")
    # An id that is none, however it looks.
    for odd in ("%00", "..%2F..", "gen_" + "A" * 4000, "%E9", "a%20b", "gen_01M3RJQ2GXYP8F188NH5K17ED5%0A"):
        for path in reads:
            answer = gateway.get(path + odd)
            check(answer.status in (400, 404, 414), f"{path}{odd[:20]}: {answer.status}")
