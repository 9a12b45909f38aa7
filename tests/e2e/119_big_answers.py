"""Four megabytes of stream and two of vectors through each conversion: every piece arrives, in order,
and every number of a vector in the digits that it came in.

parity: large-answers
"""
from harness import *

CHUNKS, SIZE = 512, 4 * 1024 * 1024
MODELS = {"/v1": "zai/glm-4.6", "/api/v1": "z-ai/glm-4.6"}
# Two megabytes of JSON numbers in spellings that a double would not keep.
VECTOR = ", ".join(f"{-1 if number % 3 == 0 else 1}.{number:05d}0e-0{number % 9}"
                   for number in range(120000))
EMBEDDINGS = {"vercel": '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[%s]}],'
                        '"model":"openai/text-embedding-3-small","usage":{"prompt_tokens":8,'
                        '"total_tokens":8},"providerMetadata":{"gateway":{"cost":"0.00000016",'
                        '"generationId":"gen_01M3RJQ2GXYP8F188NH5K17ED5"}}}' % VECTOR,
              "openrouter": '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[%s]}],'
                            '"model":"openai/text-embedding-3-small","usage":{"prompt_tokens":8,'
                            '"total_tokens":8,"cost":1.6e-7},"provider":"OpenAI","id":'
                            '"gen-emb-1790752558-AbCdEfGhIjKlMnOpQrSt"}' % VECTOR,
              "openai": '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[%s]}],'
                        '"model":"text-embedding-3-small","usage":{"prompt_tokens":8,'
                        '"total_tokens":8}}' % VECTOR}

for dialect in "vercel", "openrouter", "openai":
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        for base, model in MODELS.items():
            if (dialect, base) == ("vercel", "/v1"):
                continue  # nothing is converted
            name = MODEL if dialect == "openai" else model
            body = {"model": name, "stream": True, "messages": [{"role": "user", "content": sim_text(
                {"size": SIZE, "chunks": CHUNKS})}]}
            miss, hit = (gateway.post(f"{base}/chat/completions", body, cache=True) for _ in range(2))
            what = f"{dialect} at {base}"
            equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), what)
            text = miss.text()
            equal(len(text), SIZE, f"{what}: every byte")
            equal(hit.text(), text, f"{what}: and again")
            pieces = [choice["delta"]["content"] for chunk in miss.chunks()
                      for choice in chunk["choices"] if choice["delta"].get("content")]
            equal(len(pieces), CHUNKS, f"{what}: piece by piece")
            equal(miss.events()[-1], "[DONE]", what)
            equal({chunk["model"] for chunk in miss.chunks()}, {name}, what)

            sim.script({"raw": EMBEDDINGS[dialect], "content_type": "application/json"})
            body = {"model": "openai/text-embedding-3-small", "input": "x"}
            miss, hit = (gateway.post(f"{base}/embeddings", body, cache=True) for _ in range(2))
            equal((miss.status, miss.cache(), hit.cache()), (200, "MISS", "HIT"), what)
            for answer in miss, hit:
                check(f'"embedding":[{VECTOR}]'.encode() in answer.body, f"{what}: digit for digit")
            equal(hit.json()["usage"]["prompt_tokens"], 0)

# A large answer that is streamed upstream and assembled for the client.
with Sim() as sim, Gateway(sim) as gateway:
    body = {"model": "anthropic/claude-haiku-4.5", "max_tokens": 60000, "messages": [
        {"role": "user", "content": sim_text({"size": 1024 * 1024, "chunks": 300})}]}
    answer = gateway.post("/api/v1/chat/completions", body)
    equal((answer.status, len(answer.json()["choices"][0]["message"]["content"])), (200, 1024 * 1024))
