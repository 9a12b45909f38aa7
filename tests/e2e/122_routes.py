"""Routes choose by model or provider pattern; a split keeps a user on one upstream; a model that the
first catalogue lacks goes to the next that has it; a header pins one.

parity: routing-rules, traffic-split, catalogue-routing
"""
from harness import *

LACKS = "anthropic/claude-haiku-4.5"
with Sim("--missing", LACKS) as one, Sim() as two:
    upstreams = [one.upstream("one"), two.upstream("two")]
    routes = [{"name": "google", "models": ["google/*"], "upstreams": ["two", "one"]},
              {"name": "nano", "providers": ["openai"], "models": ["*nano*"],
               "upstreams": ["one", "two"], "split": "50%"}]
    with Gateway(one, {"upstreams": upstreams, "routes": routes}) as gateway:
        def went(model, **more):
            answer = gateway.chat("hello", model=model, **more)
            equal(answer.status, 200, answer.body)
            return answer.headers["x-tollgate-upstream"], answer.headers["x-tollgate-route"]

        wait_for(lambda: gateway.chat("hello", model=LACKS).status == 200, "the catalogues")
        equal(went(LACKS), ("two", "catalog"))
        equal(went("zai/glm-4.6"), ("one", "first"))
        equal(went("google/gemini-2.5-flash"), ("two", "route google"))
        equal(went("zai/glm-4.6", headers={"X-Tollgate-Upstream": "two"}), ("two", "forced"))
        answer = gateway.chat("hello", headers={"X-Tollgate-Upstream": "nobody"})
        equal(answer.status, 400)
        check("one" in answer.json()["error"]["message"], "names the known ones")
        seen = {}
        for user in range(40):
            places = {went(MODEL, user=f"user-{user}")[0] for _ in range(2)}
            equal(len(places), 1, "a user stays")
            seen[user] = places.pop()
        counts = [list(seen.values()).count(name) for name in ("one", "two")]
        check(min(counts) >= 8, f"about half each: {counts}")
        equal(gateway.chat("x", model="nobody/nothing").status, 404, "in no catalogue")
        row = gateway.rows_of_id(gateway.chat("hello", model=LACKS).headers["x-generation-id"])
        equal((row["upstream"], row["route"]), ("two", "catalog"))
