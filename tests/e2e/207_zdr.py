"""zdr: nothing of a client's requests is cached or kept, in memory or on disk; the upstream is asked for zero
data retention in its own words, whatever the request says; its rows are like all others.

parity: zero-data-retention
"""
from harness import *

PROMPT = "PromptMarkerOkapiZebra"


def bodies(stream):
    message = [{"role": "user", "content": PROMPT}]
    more = {"stream": True} if stream else {}
    yield "chat/completions", {"model": MODEL, "messages": message, **more}
    yield "responses", {"model": MODEL, "input": PROMPT, **more}
    yield "messages", {"model": MODEL, "max_tokens": 50, "messages": message, **more}
    yield "embeddings", {"model": "openai/text-embedding-3-small", "input": PROMPT}


def asked(call):
    """What the call's body says of retention, where the vendor looks for it."""
    sent = json.loads(call["body"])
    if call["dialect"] == "vercel":
        return sent.get("providerOptions", {}).get("gateway", {}).get("zeroDataRetention")
    return sent.get("provider", {}).get("zdr")


for dialect in "vercel", "openrouter":
    with Sim("--log-bodies") as sim:
        gateway = Gateway(sim, {"clients": [client("private", zdr=True), client("plain")],
                                "request_log": {"enabled": True}, "cache": {"default": True}},
                          own_key=OWN_KEY, dialect=dialect)
        ids = []
        for base in "/v1", "/api/v1":
            for stream in False, True:
                for path, body in bodies(stream):
                    what = f"{dialect} behind {base}/{path}, stream {stream}"
                    for _ in range(2):
                        answer = gateway.post(f"{base}/{path}", body, cache=True, key="tg_private")
                        equal(answer.status, 200, f"{what}: {answer.body[:300]}")
                        check(answer.cache() not in ("HIT", "MISS") or answer.cache() is None,
                              f"{what}: {answer.cache()}")
                        ids.append(answer.headers["x-generation-id"])
        calls = sim.calls()
        equal(len(calls), len(ids), "each went upstream")
        for call in calls:
            equal(asked(call), True, f"{call['path']}: {call['body'][:300]}")
        # The request itself cannot switch it off, nor does it lose what else it says.
        message = [{"role": "user", "content": PROMPT}]
        for base, more in ("/v1", {"providerOptions": {"gateway": {"zeroDataRetention": False, "user": "u-1"}}}), \
                ("/api/v1", {"provider": {"zdr": False, "sort": "price"}}):
            answer = gateway.post(f"{base}/chat/completions", {"model": MODEL, "messages": message, **more},
                                  key="tg_private")
            equal(answer.status, 200, answer.body)
            ids.append(answer.headers["x-generation-id"])
            equal(asked(sim.calls()[-1]), True, sim.calls()[-1]["body"])
            equal(sim.calls()[-1]["body"].count('"zdr"') + sim.calls()[-1]["body"].count("zeroDataRetention"), 1)
        # What is no JSON cannot be asked for it.
        count = sim.posts()
        form = (b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nopenai/whisper-1\r\n--b\r\nContent-'
                b'Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\nxx\r\n--b--\r\n')
        answer = gateway.request("POST", "/v1/audio/transcriptions", form, {
            "Authorization": "Bearer tg_private", "Content-Type": "multipart/form-data; boundary=b"})
        equal((answer.status, sim.posts()), (403, count), answer.body)

        for identity in ids:
            got = wait_for(lambda: (got := gateway.get(f"/v1/generations?id={identity}", key="tg_private")
                                    ).status == 200 and got.json(), "the row")
            equal((got["replay_supported"], got["replay_request"]), (False, None), "nothing is kept")
        rows = {row["id"]: row for row in gateway.settled_rows(len(ids) + 1)}
        for identity in ids:
            row = rows[identity]
            equal((row["client"], row["cache"], row["verdict"]), ("private", "off", "matched"), str(row))
        # Others are cached and kept, and are not asked for it.
        first = [gateway.post("/v1/chat/completions", {"model": MODEL, "messages": message}, key="tg_plain")
                 for _ in range(2)]
        equal([answer.cache() for answer in first], ["MISS", "HIT"])
        equal(asked(sim.calls()[-1]), None, "not for others")
        identity = first[0].headers["x-generation-id"]
        wait_for(lambda: gateway.get(f"/v1/generations?id={identity}", key="tg_plain").json().get(
            "replay_supported"), "the request log of another client")
        equal(gateway.stop(), 0)
        for where, _, names in os.walk(gateway.data):
            for name in names:
                with open(os.path.join(where, name), "rb") as file:
                    check(PROMPT.encode() not in file.read(), f"{where}/{name}")
