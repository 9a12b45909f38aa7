"""tollgate compare: the same prompts through two upstreams and several models, side by side; as a table, as
JSON lines, against an earlier run; cached, so that a rerun asks nobody.

parity: comparison
"""
from harness import *

MODELS = "zai/glm-4.6,openai/gpt-4.1-nano"
PROMPTS = [{"prompt": "Say hello."}, {"id": "sum", "prompt": "What is 7 times 6?"},
           {"messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "Hi"}],
            "max_tokens": 20}]
ENV = {"TOLLGATE_COMPARE_KEY": KEY, **SANITIZE}

with Sim() as one, Sim() as two:
    where = folder()
    prompts = os.path.join(where, "prompts.jsonl")
    with open(prompts, "w", encoding="utf-8") as file:
        file.write("".join(json.dumps(prompt) + "\n" for prompt in PROMPTS))
    config = write_config({
        "listen": [{"address": "127.0.0.1:0"}], "data_dir": os.path.join(where, "data"), "workers": 1,
        "upstreams": [one.upstream("one"), two.upstream("two", "openrouter")],
        "prices": {"file": PRICES}})

    def compare(*arguments):
        code, out, err = tollgate("compare", prompts, "-c", config, "--upstreams", "one,two", "--models",
                                  MODELS, *arguments, env=ENV)
        check("Sanitizer" not in err and "runtime error" not in err, err)
        equal(code, 0, f"{arguments}: {out}\n{err}")
        return out

    lines = [json.loads(line, parse_float=Decimal) for line in compare("--json").splitlines()]
    runs = [line for line in lines if "answer" in line]
    equal((len(runs), one.posts(), two.posts()), (12, 6, 6), "3 prompts x 2 models x 2 upstreams")
    equal({(line["upstream"], line["model"]) for line in runs},
          {(upstream, model) for upstream in ("one", "two") for model in MODELS.split(",")})
    by_upstream = {"one": one, "two": two}
    for line in runs:
        check(line["answer"].startswith("Echo: "), str(line))
        check(line["provider"], f"who served: {line}")
        calls = [call for call in by_upstream[line["upstream"]].calls()]
        costs = {Decimal(call["gateway_cost"]) for call in calls}
        reported = [value for name, value in line.items() if "reported" in name or name == "cost"]
        check(reported and Decimal(reported[0]) in costs, f"the cost that was reported: {line}")
        estimated = [value for name, value in line.items() if "estimated" in name]
        equal(Decimal(estimated[0]), Decimal(reported[0]), "and the one estimated")
        times = {name: value for name, value in line.items() if name.endswith("ms")}
        check(len(times) >= 3 and all(value >= 0 for value in times.values()),
              f"time to the first token, to the end, of the HIT: {line}")
    check(any(line["prompt"] == "sum" for line in runs), "a prompt's own id")

    # A rerun asks nobody, and says the same.
    before = one.posts(), two.posts()
    baseline = os.path.join(where, "before.jsonl")
    equal(compare("--json", "-o", baseline), "", "-o writes to the file only")
    equal((one.posts(), two.posts()), before, "a rerun is free")
    with open(baseline, encoding="utf-8") as file:
        again = [line for line in map(json.loads, file) if "answer" in line]
    for name in "answer", "cost_reported", "provider", "served_model":
        equal([line[name] for line in again], [line[name] for line in runs], name)
    check(all(line["cached"] and line["hit_ms"] is not None for line in again), "all of them HITs")

    table = compare()
    for word in "one", "two", "zai/glm-4.6", "openai/gpt-4.1-nano", "Echo", "sum":
        check(word in table, f"{word} in the table:\n{table}")
    equal((one.posts(), two.posts()), before, "nor does the table")

    # Against an earlier run: a new answer is told apart.
    changed = [json.loads(line) for line in open(baseline, encoding="utf-8")]
    for line in changed:
        if line["prompt"] == "sum":
            line["answer"] = "Forty-two."
    with open(baseline, "w", encoding="utf-8") as file:
        file.write("".join(json.dumps(line) + "\n" for line in changed))
    text = compare("--baseline", baseline)
    same = compare("--baseline", baseline, "--json")
    for row in text.splitlines()[1:]:
        if row.strip():
            equal("same" in row, not row.startswith("sum"), f"what changed since: {row}")
    for line in map(json.loads, same.splitlines()):
        equal(line["baseline"]["same_answer"], line["prompt"] != "sum", str(line))
    equal((one.posts(), two.posts()), before)

    # What failed is in the comparison, and in the exit code.
    two.script({"status": 400})
    with open(prompts, "w", encoding="utf-8") as file:
        file.write('{"prompt":"Another one."}\n')
    code, out, err = tollgate("compare", prompts, "-c", config, "--upstreams", "two", "--models",
                              "zai/glm-4.6", env=ENV)
    equal(code, 1, out + err)
    check("400" in out + err, out + err)
    for wrong in (["--upstreams", "nobody", "--models", MODELS], ["--models", ""], []):
        code, out, err = tollgate("compare", prompts, "-c", config, *wrong, env=ENV)
        check(code in (1, 2) and err, f"{wrong}: {code} {out} {err}")
