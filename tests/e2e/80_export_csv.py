"""The export's columns, order and formats are design 2.5's; RFC 4180; while running and stopped.

parity: ledger-export
"""
from harness import *

COLUMNS = """id, created_at, api, streamed, client, key_id, project, user, session, app, environment,
    tags, model_requested, model, provider, upstream, upstream_id, route, cache, source_id, status,
    finish_reason, prompt_tokens, completion_tokens, cached_tokens, cache_write_tokens,
    reasoning_tokens, billed_usd, upstream_usd, market_usd, estimated_usd, booked_usd,
    difference_usd, verdict, saved_usd, byok, latency_ms, ttft_ms""".replace("\n", "").split(",")
COLUMNS = [name.strip() for name in COLUMNS]
AWKWARD = 'a "quoted", user\u00e9'
MONEY = [name for name in COLUMNS if name.endswith("_usd")]

with Sim() as sim:
    gateway = Gateway(sim)
    with gateway:
        for number in range(5):
            gateway.chat(f"{number}", cache=True, user=AWKWARD)
            gateway.chat(f"{number}", cache=True, user=AWKWARD)
        gateway.chat(sim_text({"prompt_tokens": 1, "completion_tokens": 2}))  # 9e-7, were it printed so
        gateway.wait_rows(11)
        running = gateway.export()
        equal(gateway.export("--format", "csv"), running, "csv is the default")
        path = os.path.join(gateway.dir, "out.csv")
        equal(gateway.export("-o", path), "", "-o writes to the file only")
        with open(path, newline="", encoding="utf-8") as file:
            equal(file.read(), running)
    done = subprocess.run([f"{BUILD}/tollgate", "export", "-c", gateway.config, "--month",
                           this_month()], capture_output=True, check=True)
    equal(done.stdout.decode(), running, "the same once it has stopped")

    check("\r" not in done.stdout.decode(), "one kind of line end, and it is LF")
    records = done.stdout.decode().split("\n")
    equal(records[-1], "", "every record ends its line")
    equal(len(records), 13)
    equal(records[0], ",".join(COLUMNS), "header")
    check('"a ""quoted"", user\u00e9"' in records[1], "quotes are doubled, commas quoted")
    rows = list(csv.DictReader(io.StringIO(running, newline="")))
    equal({row["user"] for row in rows[:10]}, {AWKWARD})
    moments = [row["created_at"] for row in rows]
    for moment in moments:
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment), moment)
        check(moment.startswith(this_month()), "of this month")
    equal(moments, sorted(moments), "oldest first")
    for row in rows:
        for name in MONEY:
            check(re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?|", row[name]), f"{name}: {row[name]}")
        check(row["streamed"] in ("true", "false") and row["byok"] in ("true", "false", ""), "booleans")
        check(row["tags"] == "" or isinstance(json.loads(row["tags"]), list), "tags")
    equal(rows[10]["billed_usd"], "0.0000009", "plain notation")
