"""A Vercel client on an OpenRouter upstream, and both clients on a generic one: the request as it was
received, the answer field by field and chunk by chunk; reasoning_content is reasoning both ways.

parity: more-upstreams, request-conversion
"""
from harness import *

MESSAGES = [{"role": "user", "content": "x"}]
GEN = "gen-1779358422-LrEwL8SmYSWNlAzrHKq2"
GATE = "providerOptions.gateway"
REQUESTS = [  # gateway options; what OpenRouter then gets
    ({"only": ["bedrock", "zai"], "order": ["vertex", "togetherai"]},
     {"provider.only": ["amazon-bedrock", "z-ai"], "provider.order": ["google-vertex", "together"]}),
    ({"sort": "cost"}, {"provider.sort": "price"}), ({"sort": "tps"}, {"provider.sort": "throughput"}),
    ({"sort": "ttft"}, {"provider.sort": "latency"}),
    ({"zeroDataRetention": True}, {"provider.zdr": True}),
    ({"disallowPromptTraining": True}, {"provider.data_collection": "deny"}),
    ({"models": ["alibaba/qwen-3-14b"]}, {"models": ["qwen/qwen3-14b"]}),
]
MEANS_MORE = [{"byok": {"openai": [{"apiKey": "x"}]}}, {"quotaEntityId": "q"},
              {"inferenceRegion": {"scope": "zone", "geoRegion": "eu"}}, {"has": ["vision"]}]
MODELS = {"xai/grok-4.20-reasoning": "x-ai/grok-4.20", "mistral/mistral-small": "mistralai/mistral-small-2603",
          "meta/llama-3.3-70b": "meta-llama/llama-3.3-70b-instruct", "amazon/nova-lite": "amazon/nova-lite-v1",
          "openai/gpt-4.1-nano": "openai/gpt-4.1-nano"}
DETAILS = [{"type": "reasoning.summary", "summary": "think", "format": "openai-responses-v1",
            "index": 0, "id": "rs_1"}]
TOOLS = [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
LOGPROBS = {"content": [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
CHOICES = [({"role": "assistant", "content": "Hi", "refusal": None, "reasoning": "think",
             "reasoning_details": DETAILS}, "stop", "STOP", LOGPROBS),
           ({"role": "assistant", "content": "", "refusal": None, "tool_calls": TOOLS}, "tool_calls",
            "tool_use", None)]
TOP = {"id": GEN, "created": 1779358422, "model": "z-ai/glm-4.6", "provider": "Fireworks",
       "system_fingerprint": None, "service_tier": None}
USAGE = ('{"prompt_tokens":900,"completion_tokens":10,"total_tokens":910,"cost":%s,"is_byok":%s,'
         '"prompt_tokens_details":{"cached_tokens":700,"cache_write_tokens":150,"audio_tokens":0},'
         '"cost_details":{"upstream_inference_cost":%s,"upstream_inference_prompt_cost":0,'
         '"upstream_inference_completions_cost":0},"completion_tokens_details":{"reasoning_tokens":4}}')
MARKET, FEE = "0.0018599999999999999", "0.00009300"  # a JavaScript double, and its 5 %


def openrouter(stream, byok):
    usage = USAGE % ((FEE, "true", MARKET) if byok else (MARKET, "false", MARKET))
    if not stream:
        return json.dumps({**TOP, "object": "chat.completion", "choices": [
            {"index": index, "logprobs": logprobs, "finish_reason": finish,
             "native_finish_reason": native, "message": message}
            for index, (message, finish, native, logprobs) in enumerate(CHOICES)]})[:-1] + (
                f', "usage": {usage}}}')
    chunks = []

    def add(index, delta, finish=None, native=None, logprobs=None):
        chunks.append({**TOP, "object": "chat.completion.chunk", "choices": [{
            "index": index, "delta": {"role": "assistant", "content": "", **delta}, "finish_reason":
            finish, "native_finish_reason": native, "logprobs": logprobs}]})
    add(0, {"reasoning": "think", "reasoning_details": DETAILS})
    add(0, {"content": "H"}, logprobs=LOGPROBS)
    add(0, {"content": "i"})
    add(1, {"tool_calls": TOOLS})
    add(1, {}, "tool_calls", "tool_use")
    add(0, {}, "stop", "STOP")
    add(0, {}, "stop", "STOP")
    texts = [json.dumps(chunk) for chunk in chunks]
    texts[-1] = f'{texts[-1][:-1]}, "usage": {usage}}}'
    return ": OPENROUTER PROCESSING\n\n" + "".join(f"data: {text}\n\n" for text in texts) + (
        "data: [DONE]\n\n")


def at(value, path):
    for name in path.split("."):
        value = value[name]
    return value


def check_money(text, usage, gate, byok):
    equal((usage["is_byok"], usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]),
          (byok, 900, 10, 910))
    equal((usage["prompt_tokens_details"]["cached_tokens"], usage["cache_creation_input_tokens"],
           usage["completion_tokens_details"]["reasoning_tokens"]), (700, 150, 4))
    check("cache_write_tokens" not in usage["prompt_tokens_details"], str(usage))
    billed = FEE if byok else MARKET
    check(isinstance(gate["cost"], str) and isinstance(gate["gatewayCost"], str), f"strings: {gate}")
    equal(Decimal(gate["gatewayCost"]), Decimal(billed), "what is billed")
    equal(Decimal(usage["gateway_cost"]), Decimal(billed), "what is billed, in usage")
    check(re.search(r'[: "]' + re.escape(billed) + r'["},]', text), "in the text it came in")
    equal(gate["generationId"], GEN)
    equal(gate["routing"]["finalProvider"], "fireworks")
    if byok:
        equal((Decimal(usage["market_cost"]), Decimal(gate["marketCost"])), (Decimal(MARKET),) * 2)
        equal(Decimal(usage["cost_details"]["upstream_inference_cost"]), Decimal(MARKET))


def check_choice(choice, message, finish, logprobs, place):
    equal((choice["finish_reason"], "native_finish_reason" in choice), (finish, False))
    equal(choice.get("logprobs"), json.loads(json.dumps(logprobs), parse_float=Decimal))
    for name, value in message.items():
        if value not in (None, ""):
            equal(choice[place].get(name), value, name)


# Without a catalogue nothing is refused: the simulated one does not have all of these models.
with Sim("--log-bodies") as sim, Gateway(sim, {"models": {"catalog": "0"}},
                                         dialect="openrouter") as gateway:
    ask = lambda **more: gateway.post("/v1/chat/completions",
                                      {"model": "zai/glm-4.6", "messages": MESSAGES, **more})
    sent = lambda: json.loads(sim.calls()[-1]["body"])
    for options, wanted in REQUESTS:
        answer = ask(providerOptions={"gateway": options})
        equal(answer.status, 200, f"{options}: {answer.body}")
        for path, value in wanted.items():
            equal(at(sent(), path), value, f"{options}: {path}")
        equal((sent()["model"], "providerOptions" in sent()), ("z-ai/glm-4.6", False), str(options))
    for options in MEANS_MORE:
        answer = ask(providerOptions={"gateway": options})
        check(answer.status == 400 or list(options)[0] in answer.headers.get("x-tollgate-warning", ""),
              f"{options} is not lost silently: {answer.status} {answer.headers}")
    for model, wanted in MODELS.items():
        answer = ask(model=model)
        equal(sent()["model"], wanted)
        if answer.status == 200:  # the simulated catalogue does not have all of them
            equal(answer.json()["model"], model)
    ask(reasoning={"effort": "low"}, temperature=0.5, tools=[{"type": "function", "function": {
        "name": "f", "parameters": {"type": "object"}}}], messages=[*MESSAGES, {
            "role": "assistant", "content": "a", "reasoning_details": DETAILS}, *MESSAGES])
    equal((sent()["reasoning"], sent()["temperature"], sent()["tools"][0]["function"]["name"],
           sent()["messages"][1]["reasoning_details"]), ({"effort": "low"}, 0.5, "f", DETAILS))

    for byok in False, True:
        sim.script({"raw": openrouter(False, byok), "content_type": "application/json"})
        answer = ask(n=2)
        got = answer.json()
        equal((got["id"], got["generationId"], got["created"], got["model"], got["object"]),
              (GEN, GEN, 1779358422, "zai/glm-4.6", "chat.completion"))
        check("provider" not in got, "Vercel has no such member")
        for choice, (message, finish, _, logprobs) in zip(got["choices"], CHOICES, strict=True):
            check_choice(choice, message, finish, logprobs, "message")
        check_money(answer.body.decode(), got["usage"],
                    got["choices"][0]["message"]["provider_metadata"]["gateway"], byok)

        sim.script({"raw": openrouter(True, byok), "content_type": "text/event-stream"})
        answer = ask(n=2, stream=True)
        chunks = answer.chunks()
        equal(answer.events()[-1], "[DONE]")
        check(not any("provider" in chunk for chunk in chunks), "Vercel has no such member")
        for name in "content", "reasoning", "reasoning_details", "tool_calls":
            gather = lambda index, name=name: [value for chunk in chunks for one in chunk["choices"]
                                               if one["index"] == index
                                               and (value := one["delta"].get(name))]
            wanted = [["H", "i"], []] if name == "content" else [
                [message[name]] if message.get(name) else [] for message, *_ in CHOICES]
            equal([gather(0), gather(1)], wanted, f"delta.{name}, chunk by chunk")
        ends = [(one["index"], one["finish_reason"]) for chunk in chunks for one in chunk["choices"]
                if one["finish_reason"]]
        equal(ends, [(1, "tool_calls"), (0, "stop")], "each choice ends once")
        last = chunks[-1]
        equal((last["choices"][0]["finish_reason"], last["generationId"]), ("stop", GEN),
              "the last chunk holds everything")
        check_money(answer.events()[-2], last["usage"],
                    last["choices"][0]["delta"]["provider_metadata"]["gateway"], byok)
    rows = [row for row in gateway.rows() if row["upstream_id"] == GEN]
    equal([row["byok"] for row in rows], ["false", "false", "true", "true"])
    # The noise of a double is taken off (pricing section 2); the fee is exact.
    equal({row["billed_usd"] for row in rows[:2]}, {"0.00186"})
    equal({(row["billed_usd"], row["upstream_usd"]) for row in rows[2:]}, {("0.000093", "0.00186")})

# Generic upstreams: LLMGateway, LiteLLM and the like.
HISTORY = [*MESSAGES, {"role": "assistant", "content": "a", "reasoning": "because"}, *MESSAGES]
OPENAI = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1779358422, "model": MODEL,
          "choices": [{"index": 0, "finish_reason": "stop", "logprobs": LOGPROBS, "message": {
              "role": "assistant", "content": "Hi", "reasoning_content": "think", "refusal": None,
              "tool_calls": TOOLS}}],
          "usage": {"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17,
                    "prompt_tokens_details": {"cached_tokens": 4},
                    "completion_tokens_details": {"reasoning_tokens": 3}}}


def openai_stream():
    part = lambda delta, finish=None: {**{name: OPENAI[name] for name in ("id", "created", "model")},
                                       "object": "chat.completion.chunk", "choices": [
        {"index": 0, "delta": delta, "finish_reason": finish}]}
    chunks = [part({"role": "assistant", "content": ""}), part({"reasoning_content": "thi"}),
              part({"reasoning_content": "nk"}), part({"content": "Hi"}), part({"tool_calls": TOOLS}),
              part({}, "stop"), {**part({}), "choices": [], "usage": OPENAI["usage"]}]
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


with Sim("--log-bodies") as sim, Gateway(sim, dialect="openai") as gateway:
    for base in "/v1", "/api/v1":
        url = f"{base}/chat/completions"
        sim.script({"raw": json.dumps(OPENAI), "content_type": "application/json"})
        answer = gateway.post(url, {"model": MODEL, "messages": HISTORY})
        message = json.loads(sim.calls()[-1]["body"])["messages"][1]
        equal((message.get("reasoning_content"), "reasoning" in message), ("because", False),
              f"{base}: in the upstream's word")
        got = answer.json()
        said = got["choices"][0]["message"]
        equal((said["reasoning"], "reasoning_content" in said, said["content"], said["tool_calls"]),
              ("think", False, "Hi", TOOLS), f"{base}: in the client's word: {got}")
        equal((got["usage"]["prompt_tokens"], got["usage"]["completion_tokens"]), (9, 8))
        check("cost" not in got["usage"], f"a cost that nobody reported is not invented: {got['usage']}")
        if base == "/api/v1":
            equal(got["choices"][0]["native_finish_reason"], "stop")
            check(isinstance(got["provider"], str) and got["provider"], "who served")

        sim.script({"raw": openai_stream(), "content_type": "text/event-stream"})
        answer = gateway.post(url, {"model": MODEL, "messages": HISTORY, "stream": True})
        equal(json.loads(sim.calls()[-1]["body"])["stream_options"], {"include_usage": True})
        chunks = answer.chunks()
        deltas = [one["delta"] for chunk in chunks for one in chunk["choices"]]
        equal([delta["reasoning"] for delta in deltas if delta.get("reasoning")], ["thi", "nk"])
        check(not any("reasoning_content" in delta for delta in deltas), "in one word only")
        equal((answer.text(), answer.events()[-1]), ("Hi", "[DONE]"))
        equal([delta["tool_calls"] for delta in deltas if delta.get("tool_calls")], [TOOLS])
        check(chunks[-1]["choices"] and chunks[-1]["choices"][0]["finish_reason"] == "stop",
              f"{base}: usage comes with the end: {chunks[-1]}")
        equal(chunks[-1]["usage"]["completion_tokens"], 8)
    for row in gateway.wait_rows(4):
        equal((row["billed_usd"], row["reasoning_tokens"], row["cached_tokens"]), ("", "3", "4"))

# The other way round: reasoning_content of an OpenRouter client's history, in Vercel's word.
with Sim("--log-bodies") as sim, Gateway(sim) as gateway:
    gateway.post("/api/v1/chat/completions", {"model": MODEL, "messages": [
        *MESSAGES, {"role": "assistant", "content": "a", "reasoning_content": "because"}, *MESSAGES]})
    message = json.loads(sim.calls()[-1]["body"])["messages"][1]
    equal((message.get("reasoning"), "reasoning_content" in message), ("because", False))
