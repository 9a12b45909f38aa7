"""Cache writes for an hour: told by messages and rated exactly in any mix; where chat does not tell them, the
difference has its cause, for all of them and for a part."""
from harness import *

CLAUDE = "anthropic/claude-haiku-4.5"
TABLE = price_file(CLAUDE, {"input": "0.000001", "output": "0.000004", "input_cache_read": "0.0000001",
                            "input_cache_write": "0.00000125", "input_cache_write_1h": "0.000002"})
USE = {"prompt_tokens": 1037, "completion_tokens": 251, "cached_tokens": 100, "cache_write_tokens": 600}
directory = folder()
with open(os.path.join(directory, "own.json"), "w", encoding="utf-8") as file:
    file.write(TABLE)
with Sim("--prices", os.path.join(directory, "own.json")) as sim, \
        Gateway(sim, {"prices": {"file": os.path.join(directory, "own.json")}}) as gateway:
    for hour in 0, 1, 300, 600:
        for stream in False, True:
            text = sim_text({**USE, "write_1h_tokens": hour}, f"{stream}")
            answer = gateway.post("/v1/messages", {"model": CLAUDE, "max_tokens": 400, "stream": stream, "messages": [
                {"role": "user", "content": text}]})
            equal(answer.status, 200, answer.body)
            row = gateway.rows_of_id(answer.headers["x-generation-id"])
            equal((row["verdict"], row["difference_usd"]), ("matched", "0"), f"messages, {hour} for an hour: {row}")
            # 337 x 1 + 100 x 0.1 + (600 - n) x 1.25 + n x 2 + 251 x 4, in millionths
            wanted = (Decimal(337 + 10 + 1004) + Decimal("1.25") * (600 - hour) + 2 * hour) / 10 ** 6
            equal(Decimal(row["estimated_usd"]), wanted)
            story = gateway.explain(answer)
            lines = {line["class"]: line["quantity"] for line in story["pricing"]["lines"]}
            equal((lines.get("input_cache_write", 0), lines.get("input_cache_write_1h", 0)), (600 - hour, hour))
    for hour in 600, 300:
        answer = gateway.chat(sim_text({**USE, "write_1h_tokens": hour}), model=CLAUDE)
        wait_for(lambda: len(gateway.explain(answer)["observations"]) == 3, "the record to confirm it")
        story = gateway.explain(answer)
        equal((story["verdict"], story["cause"], Decimal(story["difference_usd"])),
              ("over", "cache-write-ttl", Decimal("0.00000075") * hour), f"chat, {hour} of 600 for an hour")
