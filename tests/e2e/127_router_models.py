"""openrouter/auto and its like, and variants that only OpenRouter has, need an OpenRouter upstream: they go
to it from either dialect, or are refused clearly.

parity: auto-router
"""
from harness import *

MESSAGES = [{"role": "user", "content": "x"}]
ROUTERS = ("openrouter/auto", "openrouter/free")
VARIANTS = ("google/gemini-2.5-flash:online", "google/gemini-2.5-flash:exacto")


def ask(gateway, base, model, **more):
    return gateway.post(f"{base}/chat/completions", {"model": model, "messages": MESSAGES, **more})


with Sim() as vercel, Sim() as openrouter:
    both = {"upstreams": [vercel.upstream("vercel"), openrouter.upstream("openrouter", "openrouter")]}
    with Gateway(vercel, both) as gateway:
        for base in "/v1", "/api/v1":
            # To a Vercel client a variant is an id like any other.
            for model in ROUTERS + (VARIANTS if base == "/api/v1" else ()):
                answer = ask(gateway, base, model)
                equal((answer.status, answer.headers.get("x-tollgate-upstream"),
                       answer.headers.get("x-tollgate-route")), (200, "openrouter", "dialect"),
                      f"{base} {model}: {answer.body[:200]}")
                equal(openrouter.calls()[-1]["model"], model, "sent as it was said")
        equal(vercel.posts(), 0)
        answer = ask(gateway, "/api/v1", "openrouter/auto")
        row = gateway.rows_of_id(answer.headers["x-generation-id"])
        equal((row["model_requested"], row["route"], row["verdict"]),
              ("openrouter/auto", "dialect", "matched"))
        check(row["model"] not in ("", "openrouter/auto"), f"who answered: {row['model']}")
        # An outage of that one leaves nobody.
        openrouter.script({"status": 503})
        equal((ask(gateway, "/api/v1", "openrouter/auto").status, vercel.posts()), (503, 0))

for dialect in "vercel", "openai":
    with Sim() as sim, Gateway(sim, dialect=dialect) as gateway:
        for base in "/v1", "/api/v1":
            for model in ROUTERS:
                answer = ask(gateway, base, model)
                equal(answer.status, 400, f"{dialect} {base} {model}: {answer.body[:200]}")
                text = answer.json()["error"]["message"]
                check("OpenRouter" in text and model in text, f"says what it needs: {text}")
            if (dialect, base) == ("vercel", "/api/v1"):
                for model in VARIANTS:
                    equal(ask(gateway, base, model).status, 400, f"{dialect} {base} {model}")
        equal(sim.posts(), 0, "nothing was sent")
