"""Why a request went where it went: the header X-Tollgate-Route and the row's route say the same, for
each of their words; attempts that failed before are nested in the one row.

parity: routing-transparency, routing-rules
"""
from harness import *

HAIKU, GLM = "anthropic/claude-haiku-4.5", "zai/glm-4.6"
with Sim("--missing", HAIKU) as one, Sim("--missing", GLM) as two, Sim() as dead:
    dead.kill()
    upstreams = [one.upstream("one"), two.upstream("two", "openrouter")]
    routes = [{"name": "pinned", "models": ["google/gemini-2.5-flash"], "upstreams": ["two", "one"]},
              {"name": "split", "models": ["google/gemini-2.5-pro"], "upstreams": ["one", "two"],
               "split": "100%"},
              {"name": "by-author", "providers": ["deepseek"], "upstreams": ["two"]}]
    with Gateway(one, {"upstreams": upstreams, "routes": routes, "workers": 1}) as gateway:
        count = 0

        def went(model, upstream, route, base="/v1", headers=None, attempts=()):
            global count
            answer = gateway.post(f"{base}/chat/completions", {
                "model": model, "messages": [{"role": "user", "content": f"{count}"}]}, headers=headers)
            count += 1
            equal((answer.status, answer.headers["x-tollgate-upstream"],
                   answer.headers["x-tollgate-route"]), (200, upstream, route), answer.body[:300])
            row = gateway.rows_of_id(answer.headers["x-generation-id"])
            equal((row["upstream"], row["route"], row["verdict"]), (upstream, route, "matched"), str(row))
            record = gateway.get(f"/v1/generations?id={row['id']}").json()
            equal([(each["upstream"], each["status"]) for each in record.get("attempts") or []],
                  list(attempts), str(record))

        # Both catalogues are known when the list has what only one of them has.
        wait_for(lambda: {HAIKU, GLM} <= {model["id"] for model in gateway.get(
            "/v1/models").json().get("data", [])}, "the catalogues")
        went(MODEL, "one", "first")
        went(HAIKU, "two", "catalog")
        went(MODEL, "two", "forced", headers={"X-Tollgate-Upstream": "two"})
        went("google/gemini-2.5-flash", "two", "route pinned")
        went("google/gemini-2.5-flash", "two", "route pinned", "/api/v1")
        went("google/gemini-2.5-pro", "two", "split")
        went("deepseek/deepseek-v3", "two", "route by-author")
        went("openrouter/auto", "two", "dialect", "/api/v1")
        for status in 503, 429:
            one.script({"status": status, "retry_after": "0"})
            went(MODEL, "two", "fallback", attempts=[("one", status)])
        # A forced upstream is the only one: what it says is the answer.
        one.script({"status": 503})
        answer = gateway.chat("forced", headers={"X-Tollgate-Upstream": "one"})
        count += 1
        equal((answer.status, answer.headers["x-tollgate-route"]), (503, "forced"))
        # Both fail: one row, the last one's status, both attempts.
        one.script({"status": 500})
        two.script({"status": 503})
        answer = gateway.chat("both")
        count += 1
        equal(answer.status, 503)
        row = gateway.rows_of_id(answer.headers["x-generation-id"])
        equal((row["status"], row["verdict"], row["booked_usd"]), ("503", "failed", ""))
        record = gateway.get(f"/v1/generations?id={row['id']}").json()
        equal([(each["upstream"], each["status"]) for each in record["attempts"]][0], ("one", 500),
              str(record))
        # While the first is failing, traffic begins at the second, and the row says why.
        one.script(*[{"status": 500}] * 100)

        def shifted():
            global count
            answer = gateway.chat(f"{count}")
            count += 1
            return answer.headers["x-tollgate-route"] == "health"
        wait_for(shifted, "traffic to shift")
        one.reset()
        equal(len(gateway.wait_rows(count)), count, "one row a request, however many attempts")
        check({"first", "catalog", "forced", "route pinned", "split", "dialect", "fallback", "health",
               "route by-author"} <= {row["route"] for row in gateway.rows()}, "each of the words")

    with Gateway(dead, {"upstreams": [dead.upstream("dead"), two.upstream("two", "openrouter")]}) as gateway:
        answer = gateway.chat("x")
        equal((answer.status, answer.headers["x-tollgate-route"]), (200, "fallback"))
        record = gateway.get("/v1/generations?id=" + answer.headers["x-generation-id"]).json()
        equal([each["upstream"] for each in record["attempts"]], ["dead"], "never connected")
    with Gateway(two) as gateway:
        equal(gateway.chat("x").headers["x-tollgate-route"], "only")
        # A HIT went nowhere; its row has no route of its own making.
        gateway.chat("y", cache=True)
        hit = gateway.chat("y", cache=True)
        equal(hit.cache(), "HIT")
        check("x-tollgate-upstream" not in hit.headers, f"a HIT was asked of nobody: {hit.headers}")
