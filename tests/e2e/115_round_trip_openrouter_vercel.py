"""OpenRouter request -> what Vercel received -> what it answered -> what the client got: every row of
the reference's conversion table (vercel section 13), then the answer field by field, chunk by chunk.

parity: request-conversion, provider-routing, openrouter-dialect
"""
from harness import *

MESSAGES = [{"role": "user", "content": "x"}]
GEN = "gen_01M3RJQ2GXYP8F188NH5K17ED5"
REQUESTS = [  # what the client adds; what Vercel then gets, by path; what it must not get
    ({"provider": {"only": ["amazon-bedrock", "z-ai"], "order": ["together", "google-vertex"]}},
     {"providerOptions.gateway.only": ["bedrock", "zai"],
      "providerOptions.gateway.order": ["togetherai", "vertex"]}, ["provider"]),
    ({"provider": {"zdr": True}}, {"providerOptions.gateway.zeroDataRetention": True}, ["provider"]),
    ({"provider": {"data_collection": "deny"}},
     {"providerOptions.gateway.disallowPromptTraining": True}, ["provider"]),
    ({"provider": {"sort": "price"}}, {"providerOptions.gateway.sort": "cost"}, ["provider"]),
    ({"provider": {"sort": "throughput"}}, {"providerOptions.gateway.sort": "tps"}, ["provider"]),
    ({"provider": {"sort": "latency"}}, {"providerOptions.gateway.sort": "ttft"}, ["provider"]),
    ({"provider": {"data_collection": "allow", "allow_fallbacks": True, "require_parameters": False}},
     {}, ["provider"]),
    ({"models": ["anthropic/claude-haiku-4.5", "qwen/qwen3-14b"]},
     {"providerOptions.gateway.models": ["anthropic/claude-haiku-4.5", "alibaba/qwen-3-14b"]},
     ["models"]),
    ({"verbosity": "low", "model": "anthropic/claude-haiku-4.5"},
     {"providerOptions.anthropic.effort": "low"}, ["verbosity"]),
    ({"reasoning": {"effort": "high", "exclude": False}},
     {"reasoning": {"effort": "high", "exclude": False}}, []),
    ({"reasoning": {"max_tokens": 2000}}, {"reasoning": {"max_tokens": 2000}}, []),
    ({"usage": {"include": True}}, {}, ["usage"]),
    ({"temperature": 0.7, "top_p": 1, "stop": ["a"], "seed": 3, "n": 2, "logprobs": True,
      "top_logprobs": 2, "frequency_penalty": -0.5, "max_tokens": 77,
      "response_format": {"type": "json_object"}, "parallel_tool_calls": False,
      "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
      "tool_choice": "auto", "modalities": ["text", "image"]}, "same", []),
    ({"model": "x-ai/grok-4.20", "reasoning": {"enabled": False}},
     {"model": "xai/grok-4.20-non-reasoning"}, []),
    ({"model": "x-ai/grok-4.20"}, {"model": "xai/grok-4.20-reasoning"}, []),
    ({"model": "mistralai/mistral-medium-3.1"}, {"model": "mistral/mistral-medium"}, []),
    ({"model": "google/gemini-2.5-flash:nitro"}, {"model": "google/gemini-2.5-flash",
                                                  "providerOptions.gateway.sort": "tps"}, []),
    ({"model": "google/gemini-2.5-flash:floor"}, {"model": "google/gemini-2.5-flash",
                                                  "providerOptions.gateway.sort": "cost"}, []),
    ({"model": "amazon/nova-lite-v1"}, {"model": "amazon/nova-lite"}, []),
    ({"model": "meta-llama/llama-3.3-70b-instruct"}, {"model": "meta/llama-3.3-70b"}, []),
]
WARNED = [{"transforms": ["middle-out"]}, {"provider": {"order": ["google-vertex/us"]}},
          {"provider": {"sort": {"by": "price", "partition": "none"}}}]
REFUSED = [  # it would change what is answered or where it may go
    {"plugins": [{"id": "web"}]}, {"provider": {"ignore": ["z-ai"]}},
    {"provider": {"require_parameters": True}}, {"provider": {"quantizations": ["fp8"]}},
    {"provider": {"max_price": {"prompt": 1}}}, {"model": "openrouter/auto"},
    {"model": "google/gemini-2.5-flash:online"}, {"web_search_options": {}, "plugins": [{"id": "web"}]},
]
DETAILS = [{"type": "reasoning.text", "text": "think", "signature": "s", "format":
            "anthropic-claude-v1", "index": 0, "id": None},
           {"type": "reasoning.encrypted", "data": "AAAA", "format": "unknown", "index": 1}]
TOOLS = [{"index": 0, "id": "call_1", "type": "function", "function": {
    "name": "f", "arguments": '{"a": 1.50}'}}, {"index": 1, "id": "call_2", "type": "function",
                                               "function": {"name": "g", "arguments": "{}"}}]
IMAGES = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
LOGPROBS = {"content": [{"token": "a", "logprob": -0.250, "bytes": [97], "top_logprobs": []}],
            "refusal": None}
GATE = {"routing": {"originalModelId": "zai/glm-4.6", "finalProvider": "fireworks", "modelAttempts": []},
        "cost": "0.00254674", "marketCost": "0.003", "gatewayCost": "0.00264674",
        "surchargeCost": "0.0001", "generationId": GEN}
USAGE = ('{"prompt_tokens":9520,"completion_tokens":16,"total_tokens":9536,"cost":0.00254674,'
         '"is_byok":false,"market_cost":0.003,"surcharge_cost":0.0001,"gateway_cost":0.00264674,'
         '"prompt_tokens_details":{"cached_tokens":9000,"audio_tokens":1,"video_tokens":2},'
         '"completion_tokens_details":{"reasoning_tokens":7,"image_tokens":3},'
         '"cache_creation_input_tokens":519,"cost_details":{"upstream_inference_cost":null,'
         '"upstream_inference_prompt_cost":0,"upstream_inference_completions_cost":0}}')
META = {"provider_metadata": {"zai": {}, "gateway": GATE}}
# Each choice: message, finish_reason, logprobs.
CHOICES = [({"role": "assistant", "content": "Hi", "reasoning": "think", "reasoning_details": DETAILS,
             "images": IMAGES, **META}, "stop", LOGPROBS),
           ({"role": "assistant", "content": None, "tool_calls": TOOLS}, "tool_calls", None),
           ({"role": "assistant", "content": None, "refusal": "No."}, "content_filter", None)]
TOP = {"id": GEN, "created": 1785600000, "model": "zai/glm-4.6", "system_fingerprint": "fp_x",
       "service_tier": "flex"}


def vercel_body():
    return json.dumps({**TOP, "object": "chat.completion", "generationId": GEN, "choices": [
        {"index": index, "logprobs": logprobs, "finish_reason": finish, "message": message}
        for index, (message, finish, logprobs) in enumerate(CHOICES)]})[:-1] + f', "usage": {USAGE}}}'


def vercel_stream():
    """Role first, then reasoning, content, tools; each choice's end; the last holds everything."""
    chunks = []

    def add(index, delta, finish=None, logprobs=None):
        chunks.append({**TOP, "object": "chat.completion.chunk", "choices": [
            {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}]})
    for index in range(3):
        add(index, {"role": "assistant"})
    add(0, {"reasoning": "think", "reasoning_details": DETAILS})
    add(0, {"content": "H"}, None, LOGPROBS)
    add(0, {"content": "i"})
    add(0, {"images": IMAGES})
    for tool in TOOLS:
        add(1, {"tool_calls": [tool]})
    add(2, {"refusal": "No."})
    add(1, {}, "tool_calls")
    add(2, {}, "content_filter")
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    last = json.dumps({**TOP, "object": "chat.completion.chunk", "generationId": GEN, "choices": [
        {"index": 0, "delta": META, "logprobs": None, "finish_reason": "stop"}]})
    return text + f'data: {last[:-1]}, "usage": {USAGE}}}\n\ndata: [DONE]\n\n', chunks


def at(value, path):
    for name in path.split("."):
        value = value[name]
    return value


def check_usage(text, usage):
    check(re.search(r'"cost": ?0\.00264674[,}]', text), "billed, fees included, in the text it had")
    equal((usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"], usage["is_byok"]),
          (9520, 16, 9536, False))
    equal(usage["prompt_tokens_details"], {"cached_tokens": 9000, "audio_tokens": 1, "video_tokens": 2,
                                           "cache_write_tokens": 519})
    equal(usage["completion_tokens_details"], {"reasoning_tokens": 7, "image_tokens": 3})
    check({"upstream_inference_cost", "upstream_inference_prompt_cost",
           "upstream_inference_completions_cost"} <= set(usage["cost_details"]), str(usage))
    check(not {"market_cost", "gateway_cost", "surcharge_cost", "cache_creation_input_tokens"}
          & set(usage), f"Vercel's names are gone: {usage}")


with Sim("--log-bodies") as sim, Gateway(sim) as gateway:
    ask = lambda **more: gateway.post("/api/v1/chat/completions",
                                      {"model": "z-ai/glm-4.6", "messages": MESSAGES, **more})
    for more, wanted, gone in REQUESTS:
        answer = ask(**more)
        equal(answer.status, 200, f"{more}: {answer.body}")
        body = json.loads(sim.calls()[-1]["body"])
        for path, value in (more if wanted == "same" else wanted).items():
            equal(at(body, path), value, f"{more}: {path}")
        for name in ["messages"]:
            equal(body[name], MESSAGES, f"{more}: {name}")
        for name in gone:
            check(name not in body, f"{more}: {name} is not Vercel's: {body}")
        if "model" not in wanted and "model" not in more:
            equal(body["model"], "zai/glm-4.6")
        equal(answer.headers.get("x-tollgate-warning"), None, f"{more}: nothing to warn of")
    for more in WARNED:
        answer = ask(**more)
        equal(answer.status, 200, f"{more}: {answer.body}")
        check(list(more)[0] in answer.headers["x-tollgate-warning"], f"{more}: {answer.headers}")
    posts = sim.posts()
    for more in REFUSED:
        answer = ask(**more)
        equal((answer.status, answer.json()["error"]["code"]), (400, 400), f"{more}: {answer.body}")
    equal(sim.posts(), posts, "refused before anything was sent")
    # Headers that Vercel knows by the same names.
    gateway.post("/api/v1/chat/completions", {"model": MODEL, "messages": MESSAGES, "user": "somebody"},
                 headers={"HTTP-Referer": "https://app.example", "X-Title": "My App"})
    call = sim.calls()[-1]
    equal((call["headers"]["http-referer"], call["headers"]["x-title"]), ("https://app.example", "My App"))
    options = json.loads(call["body"])
    check("somebody" in (options.get("user"), options.get("providerOptions", {}).get(
        "gateway", {}).get("user")), "the user")

    # The answer, whole.
    sim.script({"raw": vercel_body(), "content_type": "application/json"})
    answer = ask(n=3, seed=1)
    got = answer.json()
    for name, value in {**TOP, "model": "z-ai/glm-4.6", "object": "chat.completion"}.items():
        equal(got[name], value, name)
    equal(got["provider"].lower(), "fireworks", "who served")
    check("provider_metadata" not in answer.body.decode() and "generationId" not in got, answer.body)
    for choice, (message, finish, logprobs) in zip(got["choices"], CHOICES, strict=True):
        equal((choice["finish_reason"], choice["native_finish_reason"]), (finish, finish))
        equal(choice["logprobs"], json.loads(json.dumps(logprobs), parse_float=Decimal))
        for name, value in message.items():
            if name != "provider_metadata":
                equal(choice["message"][name], value, name)
    check_usage(answer.body.decode(), got["usage"])

    # The same, chunk by chunk.
    raw, sources = vercel_stream()
    sim.script({"raw": raw, "content_type": "text/event-stream"})
    answer = ask(n=3, seed=1, stream=True)
    equal(answer.events()[-1], "[DONE]")
    chunks = answer.chunks()
    equal(len(chunks), len(sources) + 2, "one finishing chunk, then the usage's")
    for chunk, source in zip(chunks, sources):
        for name, value in {**TOP, "model": "z-ai/glm-4.6", "object": "chat.completion.chunk"}.items():
            equal(chunk[name], value, name)
        choice, was = chunk["choices"][0], source["choices"][0]
        equal((choice["index"], choice["finish_reason"], choice["native_finish_reason"]),
              (was["index"], was["finish_reason"], was["finish_reason"]))
        equal(choice["logprobs"], json.loads(json.dumps(was["logprobs"]), parse_float=Decimal))
        for name, value in was["delta"].items():
            equal(choice["delta"][name], value, f"delta.{name}")
    for chunk in chunks[-2:]:
        equal((chunk["choices"][0]["index"], chunk["choices"][0]["finish_reason"],
               chunk["choices"][0]["native_finish_reason"], chunk["provider"].lower()),
              (0, "stop", "stop", "fireworks"))
        check("provider_metadata" not in str(chunk) and "generationId" not in chunk, str(chunk))
    check(not chunks[-2].get("usage"), "usage is in the last one")
    check_usage(answer.events()[-2], chunks[-1]["usage"])
    row = gateway.rows_of_id(GEN)
    equal((row["billed_usd"], row["market_usd"]), ("0.00264674", "0.003"))
