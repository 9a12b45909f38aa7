"""tollgate explain ID: one request's whole story, as text and as JSON."""
from harness import *


def explain(gateway, generation_id, *arguments):
    code, out, err = tollgate("explain", "-c", gateway.config, generation_id, *arguments)
    equal((code, err), (0, ""), f"explain {generation_id}")
    return out


def read(gateway, row):
    """The story, which has to agree with the row."""
    story = json.loads(explain(gateway, row["id"], "--json"), parse_float=Decimal)
    for name in ("id", "created_at", "api", "key_id", "user", "app", "model_requested", "model",
                 "provider", "upstream", "upstream_id", "route", "cache", "finish_reason",
                 "billed_usd", "upstream_usd", "market_usd", "estimated_usd", "booked_usd",
                 "difference_usd", "verdict", "saved_usd"):
        equal(story[name] or "", row[name], name)
    for name in "prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens":
        value = story["usage"][name]
        equal("" if value is None else str(value), row[name], name)
    equal(str(story["status"]), row["status"])
    equal(story["tags"], json.loads(row["tags"] or "[]"))
    return story


with Sim() as first, Sim() as second:
    upstreams = [first.upstream("first"), second.upstream("second")]
    with Gateway(first, {"upstreams": upstreams}) as gateway:
        miss = gateway.chat("hello", cache=True, headers={"ai-reporting-tags": "a,b"})
        hits = [gateway.chat("hello", cache=True) for _ in range(3)]
        plain = gateway.chat("uncached")
        first.script({"status": 503})
        fallen = gateway.chat("fall back")
        rows = gateway.rows_of([miss, *hits, plain, fallen], settled=True)

        # The source: its lines add up to the estimate, and it was served three times.
        story = read(gateway, rows[0])
        lines = story["pricing"]["lines"]
        for line in lines:
            equal(line["quantity"] * Decimal(line["unit_price_usd"]), Decimal(line["cost_usd"]), "line")
        equal(sum(Decimal(line["cost_usd"]) for line in lines), Decimal(story["estimated_usd"]))
        equal(story["pricing"]["cost_usd"], story["estimated_usd"])
        check(len(story["pricing"]["price_table"]) == 64, "which prices rated it")
        check(story["observations"], "costs that were reported")
        equal(story["observations"][-1]["billed_usd"], story["billed_usd"])
        equal((story["source"], story["attempts"], story["corrections"]), (None, [], []))
        again = story["served_again"]
        equal((again["source_id"], again["hits"], again["collapsed"]), (rows[0]["id"], 3, 0))
        equal((again["first_id"], again["last_id"]), (rows[1]["id"], rows[3]["id"]))
        equal(Decimal(again["saved_usd"]), 3 * Decimal(rows[1]["saved_usd"]))

        # A hit: where it came from, and what that cost.
        story = read(gateway, rows[2])
        equal((story["source"]["id"], story["source"]["found"], story["source"]["booked_usd"]),
              (rows[0]["id"], True, rows[0]["booked_usd"]))
        equal(story["served_again"], again)
        equal((story["verdict"], story["saved_usd"]), ("free", rows[0]["booked_usd"]))

        equal(read(gateway, rows[4])["served_again"], None, "never meant to be cached")
        story = read(gateway, rows[5])
        equal([(one["upstream"], one["status"]) for one in story["attempts"]], [("first", 503)])
        equal(story["route"], "fallback")

        # By the upstream's id, too.
        other = json.loads(explain(gateway, rows[5]["upstream_id"], "--json"))
        equal(other["id"], rows[5]["id"])

        text = explain(gateway, rows[0]["id"])
        for part in rows[0]["id"], "input tokens", "matched: ", "3 hits", rows[0]["estimated_usd"]:
            check(part in text, f"{part!r} in\n{text}")
        check("first, " in explain(gateway, rows[5]["id"]), "the attempt that failed")

        # A name that would steer a terminal does not.
        steering = gateway.chat("steer", user="u\u001b[31m")
        row = gateway.rows_of_id(steering.headers["x-generation-id"])
        text = explain(gateway, row["id"])
        check("\u001b" not in text and "\\u001b[31m" in text, text)
        equal(read(gateway, row)["user"], "u\u001b[31m")

        code, out, err = tollgate("explain", "-c", gateway.config, "gen-none")
        check(code == 1 and out == "" and "gen-none" in err, err)
        for arguments in [], ["a", "b"], ["--nonsense", "a"], [""]:
            equal(tollgate("explain", "-c", gateway.config, *arguments)[0], 2, f"{arguments}")
        check("ID" in tollgate("explain", "--help")[1], "help")
