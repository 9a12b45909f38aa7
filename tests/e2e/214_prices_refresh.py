"""prices.refresh reads the upstream's list at start: what it says is imported over the table with a version from
now on; rows before keep their estimate; a broken or an empty list leaves the table as it is; a model without a
listed price stays unpriced."""
from harness import *

USE = {"prompt_tokens": 1000, "completion_tokens": 250}
UNPRICED = "acme/made-up"


def story_of(gateway, answer):
    gateway.rows_of_id(answer.headers["x-generation-id"])
    return gateway.explain(answer)


def table_text():
    with open(table, encoding="utf-8") as file:
        return file.read()


directory = folder()
table = os.path.join(directory, "own.json")
truth = os.path.join(directory, "truth.json")
with open(truth, "w", encoding="utf-8") as file:
    file.write(price_file(MODEL, {"input": "0.000001", "output": "0.000004"},
                          **{"zai/glm-5.3": {"input": "0.000002", "output": "0.000003"}}))
with open(table, "w", encoding="utf-8") as file:  # half of what it costs; and nothing about zai/glm-5.3
    file.write(price_file(MODEL, {"input": "0.0000005", "output": "0.000002"}))
with Sim("--prices", truth) as sim:
    def config(**more):
        return {"prices": {"file": table, **more}, "upstreams": [sim.upstream("first")]}

    still = table_text()
    first = Gateway(sim, config())
    old = first.chat(sim_text(USE, "old"))
    before = story_of(first, old)
    equal((before["verdict"], before["estimated_usd"]), ("over", "0.001"))
    equal(first.stop(), 0)
    equal(table_text(), still, "without refresh nothing is written")

    with Gateway(sim, config(refresh="1h", **{"from": ["first"]}), data=first.data) as second:
        wait_for(lambda: table_text() != still, "the list to be read at start", 10)

        def rated():
            story = story_of(second, second.chat(sim_text(USE, str(time.monotonic_ns()))))
            return story["estimated_usd"] == "0.002" and story
        new = wait_for(rated, "the new price to be in force")
        equal((new["verdict"], new["difference_usd"]), ("matched", "0"))
        check(new["pricing"]["price_table"] != before["pricing"]["price_table"], "another table")
        equal(new["pricing"]["price_table"], hashlib.sha256(table_text().encode()).hexdigest(), "its hash")
        found = story_of(second, second.chat(sim_text(USE), model="zai/glm-5.3"))
        equal((found["verdict"], found["estimated_usd"]), ("matched", "0.00275"), "a model that is new")
        again = second.explain(old)
        # Only a confirming look-up may have come in since; the estimate and its rates stay.
        equal((again["estimated_usd"], again["pricing"], again["verdict"]),
              (before["estimated_usd"], before["pricing"], "over"), "the row before")
        code, out, err = tollgate("prices", "show", table, MODEL, "--at", "2026-02-01")
        check(code == 0 and "0.0000005" in out, "the old version is kept: " + out + err)
        check(code == 0 and json.loads(table_text())["models"][MODEL][0]["from"].startswith("2026-01-01"), "first")

        # A model that answers under a name without a price.
        odd = second.chat(sim_text({**USE, "served_model": UNPRICED}))
        story = story_of(second, odd)
        check(story["verdict"] != "free" and story["booked_usd"] != "0", str(story["verdict"]))
        kept = table_text()
    equal(table_text(), kept)

    # The list that is read is broken, then empty, then not there: the table stays, serving goes on.
    import http.server
    ANSWERS = {"broken": b'{"object":"list","data":[{"id":"openai/gpt-4.1-nano","pricing":{"input":"NaN"',
               "nan": b'{"object":"list","data":[{"id":"openai/gpt-4.1-nano",'
                      b'"pricing":{"input":"NaN","output":"1"}}]}',
               "empty": b'{"object":"list","data":[]}', "html": b"<html>", "nothing": b""}
    for name, text in ANSWERS.items():
        asked = threading.Event()

        class Lists(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                if "models" in self.path:
                    asked.set()

            def log_message(self, *arguments):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lists)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        lists = {"name": "lists", "dialect": "vercel", "base_url": f"http://127.0.0.1:{server.server_port}/v1"}
        with Gateway(sim, {**config(refresh="1m", **{"from": ["lists"]}),
                           "upstreams": [sim.upstream("first"), lists]}, data=first.data) as gateway:
            check(asked.wait(10), f"{name}: the list to be read")
            wait_for(lambda: '"lists"' in gateway.log_text() or name == "empty", f"{name}: a line in the log", 10)
            equal(story_of(gateway, gateway.chat(sim_text(USE, name)))["estimated_usd"], "0.002", name)
            equal(table_text(), kept, f"{name}: the table")
        server.shutdown()
