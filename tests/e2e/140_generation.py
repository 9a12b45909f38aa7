"""GET generation in both vendors' shapes, by ids of either style: what the row says, number for number; a
HIT's own record names its source; unknown ids are the vendor's own 404.

parity: generation-records
"""
from harness import *

BEHAVIOUR = {"prompt_tokens": 100, "cached_tokens": 20, "cache_write_tokens": 30, "completion_tokens": 7,
             "reasoning_tokens": 3, "surcharge": "0.0001"}
NUMBERS = ("total_cost", "usage")


def number(row, name):
    return Decimal(row[name] or 0)


def check_vercel(data, row):
    equal({name: data[name] for name in ("id", "model", "provider_name", "created_at", "finish_reason")},
          {"id": row["id"], "model": "anthropic/claude-haiku-4.5", "provider_name": "anthropic",
           "created_at": row["created_at"], "finish_reason": row["finish_reason"]})
    equal((data["streamed"], data["is_byok"]), (row["streamed"] == "true", row["byok"] == "true"))
    for name in "total_cost", "usage", "gateway_cost":
        equal(Decimal(data[name]), number(row, "billed_usd"), name)
        check(not isinstance(data[name], str), "numbers here, not strings")
    if row["market_usd"]:
        equal(Decimal(data["market_cost"]), number(row, "market_usd"))
    equal(Decimal(data["upstream_inference_cost"]), number(row, "upstream_usd") if row["byok"] == "true"
          else 0)
    for mine, theirs in (("native_tokens_completion", "completion_tokens"),
                         ("native_tokens_cached", "cached_tokens"),
                         ("native_tokens_cache_creation", "cache_write_tokens"),
                         ("native_tokens_reasoning", "reasoning_tokens"),
                         ("native_tokens_prompt", "prompt_tokens"),
                         ("tokens_completion", "completion_tokens")):
        equal(data[mine], int(row[theirs]), mine)
    equal(data["tokens_prompt"], int(row["prompt_tokens"]) - int(row["cached_tokens"]),
          "without cache reads")
    check(isinstance(data["latency"], int) and isinstance(data["generation_time"], int), "ms")


def check_openrouter(data, row, source=None):
    equal({name: data[name] for name in ("id", "model", "created_at", "finish_reason", "api_type",
                                         "response_cache_source_id", "external_user")},
          {"id": row["id"], "model": "anthropic/claude-haiku-4.5", "created_at": row["created_at"],
           "finish_reason": row["finish_reason"], "api_type": "completions",
           "response_cache_source_id": source, "external_user": "somebody"})
    equal((data["streamed"], data["is_byok"], data["cancelled"]),
          (row["streamed"] == "true", row["byok"] == "true", False))
    check(isinstance(data["provider_name"], str) and data["provider_name"], "who served")
    for name in NUMBERS:
        equal(Decimal(data[name]), number(row, "billed_usd"), name)
    for mine, theirs in (("tokens_prompt", "prompt_tokens"), ("native_tokens_prompt", "prompt_tokens"),
                         ("native_tokens_completion", "completion_tokens"),
                         ("native_tokens_cached", "cached_tokens"),
                         ("native_tokens_reasoning", "reasoning_tokens")):
        equal(data[mine], int(row[theirs]), mine)
    if row["byok"] == "true":
        equal(Decimal(data["upstream_inference_cost"]), number(row, "upstream_usd"))


for dialect in "vercel", "openrouter":
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        answers = []
        for base in "/v1", "/api/v1":
            for stream in False, True:
                for more in {}, {"byok": True}:
                    body = {"model": "anthropic/claude-haiku-4.5", "user": "somebody", "messages": [
                        {"role": "user", "content": sim_text({**BEHAVIOUR, **more})}]}
                    if stream:
                        body["stream"] = True
                    answers += [gateway.post(f"{base}/chat/completions", body, cache=True)
                                for _ in range(2)]
        equal({answer.status for answer in answers}, {200})
        rows = gateway.rows_of(answers, settled=True)
        for position, row in enumerate(rows):
            source = rows[position - 1]["id"] if position % 2 else None
            one = gateway.get(f"/v1/generation?id={row['id']}")
            two = gateway.get(f"/api/v1/generation?id={row['id']}")
            equal((one.status, two.status), (200, 200), f"{one.body} {two.body}")
            check_vercel(one.json()["data"], row)
            check_openrouter(two.json()["data"], row, source)
            if source:
                equal((row["cache"], row["source_id"], one.json()["data"]["total_cost"]),
                      ("hit", source, 0))
            for answer in one, two:
                check("no-store" in answer.headers["cache-control"], "nobody keeps it")
        styles = {row["id"][:4] for row in rows}
        equal(styles, {"gen_", "gen-"}, "ids of both styles")

with Sim() as sim, Gateway(sim) as gateway:
    gateway.chat("x")
    for unknown in "gen_01M3RJQ2GXYP8F188NH5K17ED5", "gen-1790752558-AbCdEfGhIjKlMnOpQrSt":
        answer = gateway.get(f"/v1/generation?id={unknown}")
        equal((answer.status, answer.json()["error"], answer.json()["id"]),
              (404, "Usage event not found", unknown), "Vercel's flat form")
        check(answer.json()["message"], "a message")
        answer = gateway.get(f"/api/v1/generation?id={unknown}")
        equal((answer.status, answer.json()["error"]["code"], answer.json()["error"]["message"]),
              (404, 404, f"Generation {unknown} not found"))
    answer = gateway.get("/v1/generation")
    equal((answer.status, answer.json()["error"]), (400, "id is required"))
    equal(gateway.get("/api/v1/generation").status, 400)
    for base in "/v1", "/api/v1":
        equal(gateway.get(f"{base}/generation?id={unknown}", key=None).status, 401)
    # What was refused cost nothing; what nobody knows the cost of is no record yet, and never 0.
    refused = gateway.chat(sim_text({"status": 429})).headers["x-generation-id"]
    wait_for(lambda: gateway.get(f"/v1/generations?id={refused}").status == 200, "the row")
    equal(gateway.get(f"/api/v1/generation?id={refused}").json()["data"]["total_cost"], 0)
    late = gateway.chat(sim_text({"no_cost": True, "generation": "never"})).headers["x-generation-id"]
    wait_for(lambda: gateway.get(f"/v1/generations?id={late}").status == 200, "the row")
    equal([gateway.get(f"{base}/generation?id={late}").status for base in ("/v1", "/api/v1")], [404, 404])
    # The AI SDK hears the upstream's id in the last event, behind the head: both find the record.
    answer = gateway.post("/v4/ai/language-model", {"prompt": [{"role": "user", "content": [
        {"type": "text", "text": "x"}]}]}, headers={
            "ai-language-model-id": MODEL, "ai-language-model-specification-version": "4",
            "ai-language-model-streaming": "true"})
    told = re.findall(r'"generationId":"([^"]+)"', answer.body.decode())[-1]
    row = gateway.rows_of_id(answer.headers["x-generation-id"])
    equal(row["upstream_id"], told)
    for identity in told, row["id"]:
        data = gateway.get(f"/v1/generation?id={identity}").json()["data"]
        equal((Decimal(data["total_cost"]), data["model"]), (Decimal(row["billed_usd"]), MODEL))
