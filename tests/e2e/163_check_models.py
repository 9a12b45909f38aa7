"""tollgate check --models says of each id what it is called upstream and which do not exist there; it exits
with 1 when one exists nowhere. With live upstreams, and with a saved list.

parity: model-verification
"""
from harness import *

LIST = f"{ROOT}/configs/prices.json"
IDS = {  # what the client says: (Vercel's word, it exists there)
    "anthropic/claude-haiku-4.5": ("anthropic/claude-haiku-4.5", True),
    "anthropic/claude-haiku-4-5": ("anthropic/claude-haiku-4.5", True),
    "z-ai/glm-4.6": ("zai/glm-4.6", True), "qwen/qwen3-14b": ("alibaba/qwen-3-14b", True),
    "meta-llama/llama-3.3-70b-instruct": ("meta/llama-3.3-70b", True),
    "x-ai/grok-4.20": ("xai/grok-4.20-reasoning", True),
    "openai/gpt-5.1": ("openai/gpt-5.1-thinking", True),
    "zai/glm-4.6": ("zai/glm-4.6", True),
    "openai/gpt-oss-120b:free": ("openai/gpt-oss-120b", True),
    "x-ai/grok-code-fast-1": ("xai/grok-code-fast-1", False),
    "anthropic/claude-3.5-sonnet": ("anthropic/claude-3.5-sonnet", False),
    "nobody/nothing": ("nobody/nothing", False),
}


def config(*upstreams):
    return write_config({"listen": [{"address": "127.0.0.1:0"}], "data_dir": "data",
                         "upstreams": list(upstreams), "prices": {"file": PRICES}})


def listed(*ids, text=None):
    path = os.path.join(folder(), "models.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text if text is not None else "".join(f"{name}\n" for name in ids))
    return path


def run(*arguments):
    code, out, err = tollgate("check", "-c", *arguments, "--json")
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return code, lines, out + err


with Sim() as sim, open(LIST, encoding="utf-8") as table:
    have = set(json.load(table)["models"])
    for name, (vercel, exists) in IDS.items():
        equal(vercel in have, exists, f"{vercel} in the simulated catalogue")
    path = config(sim.upstream("vercel"))
    code, lines, text = run(path, "--models", listed(*IDS))
    equal(code, 1, text)
    equal(len(lines), len(IDS), text)
    for name, (vercel, exists) in IDS.items():
        found = [line for line in lines if line["id"] == name]
        equal([(one["upstream"], one["model"], one["found"]) for line in found
               for one in line["upstreams"]], [("vercel", vercel, exists)], name)
        equal((found[0]["exists"], bool(found[0]["upstreams"][0]["why"])), (exists, True), name)
    good = [name for name, (_, exists) in IDS.items() if exists]
    equal(run(path, "--models", listed(*good))[0], 0, "all exist")
    for name in "x-ai/grok-code-fast-1", "anthropic/claude-3.5-sonnet":
        code, lines, text = run(path, "--models", listed(name))
        equal((code, len(lines)), (1, 1), f"{name}: {text}")

    # For people: each id and its word, and which are missing.
    code, out, err = tollgate("check", "-c", path, "--models", listed(*IDS))
    equal(code, 1, err)
    for name, (vercel, exists) in IDS.items():
        line = [line.split() for line in out.splitlines() if line.startswith(name + " ")]
        equal([words[1:4] for words in line], [["vercel", "found" if exists else "missing", vercel]], out)
    equal(out.splitlines()[-1], "9 of 12 exist")
    # Comments, blank lines and a file that is not there.
    equal(run(path, "--models", listed(text="# ids\n\n  zai/glm-4.6  \r\n\n"))[0], 0)
    code, out, err = tollgate("check", "-c", path, "--models", "/nonexistent/models.txt")
    check(code in (1, 2) and "/nonexistent/models.txt" in err, f"{code} {err}")

    # What one upstream lacks, another may have.
    with Sim("--missing", "zai/glm-4.6") as other:
        both = config(other.upstream("vercel"), sim.upstream("openrouter", "openrouter"))
        code, lines, text = run(both, "--models", listed("z-ai/glm-4.6", "openrouter/auto"))
        equal(code, 0, text)
        alone = config(other.upstream("vercel"))
        equal(run(alone, "--models", listed("z-ai/glm-4.6"))[0], 1, "it does not exist there")
        equal(run(alone, "--models", listed("openrouter/auto"))[0], 1, "Vercel has no such router")

    # A saved list instead of the network.
    saved = os.path.join(folder(), "catalog.json")
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=DEADLINE)
    connection.request("GET", "/v1/models")
    with open(saved, "wb") as file:
        file.write(connection.getresponse().read())
    connection.close()
    offline = config({"name": "vercel", "dialect": "vercel", "base_url": "http://127.0.0.1:1/v1"})
    equal(run(offline, "--models", listed(*good), "--catalog", saved)[0], 0)
    code, lines, text = run(offline, "--models", listed("x-ai/grok-code-fast-1",
                                                        "anthropic/claude-3.5-sonnet"),
                            "--catalog", f"vercel={saved}")
    equal((code, len(lines)), (1, 2), text)
    equal(sim.posts(), 0, "a check asks no model")
