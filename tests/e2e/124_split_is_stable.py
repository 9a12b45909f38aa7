"""A split keeps a user and model on one upstream, over restarts and both dialects; without a user it is
the key that stays. Which side is written down: SHA-256 of the documented text.

parity: traffic-split
"""
from harness import *

SHARE = 300000  # of a million


def second_first(who, model):
    """vercel section 16, with the text that server/plan.h names."""
    digest = hashlib.sha256(f"tollgate_routing_{who}{model}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 1000000 < SHARE


with Sim() as one, Sim() as two:
    config = {"upstreams": [one.upstream("one"), two.upstream("two", "openrouter")],
              "routes": [{"name": "rollout", "upstreams": ["one", "two"], "split": "30%"}]}
    seen, data = {}, os.path.join(folder(), "data")
    for start in range(2):
        with Gateway(one, config, data=data) as gateway:
            for user in range(60):
                who = f"user-{user}"
                body = {"model": MODEL, "user": who, "messages": [{"role": "user", "content": "x"}]}
                for base in "/v1", "/api/v1":
                    answer = gateway.post(f"{base}/chat/completions", body)
                    equal(answer.status, 200, answer.body)
                    place = answer.headers["x-tollgate-upstream"]
                    equal(seen.setdefault(who, place), place, f"{who} stays, start {start}, {base}")
                    wanted = second_first(who, MODEL)
                    equal(place, "two" if wanted else "one", who)
                    equal(answer.headers["x-tollgate-route"], "split" if wanted else "route rollout")
            # A header names the user too; without any it is the key.
            answer = gateway.chat("x", headers={"ai-reporting-user": "user-3"})
            equal(answer.headers["x-tollgate-upstream"], seen["user-3"])
            for key in range(12):
                places = {gateway.chat(f"{n}", key=f"vck_{key}").headers["x-tollgate-upstream"]
                          for n in range(3)}
                equal(len(places), 1, "a key stays")
                place = places.pop()
                equal(seen.setdefault(f"key {key}", place), place, "over a restart")
    counts = [list(seen.values()).count(name) for name in ("one", "two")]
    check(min(counts) >= 10, f"about a third: {counts}")
    check({seen[f"key {key}"] for key in range(12)} == {"one", "two"}, "keys are spread as well")
