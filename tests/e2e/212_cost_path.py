"""An upstream that names its cost elsewhere: cost_path and cost_unit read it exactly, streamed and not, and it is
reconciled like any other; a value that is no amount is not reported, never 0."""
import itertools
from harness import *

UPSTREAM_MODEL = "gpt-4.1-nano"  # 0.0000001 and 0.0000004
NUMBERS = itertools.count(1)
UNITS = {"usd": 1, "milli_usd": 1000, "micro_usd": 10 ** 6, "nano_usd": 10 ** 9}


def raw(cost):
    """An answer with this text as its cost."""
    return ('{"id":"chatcmpl-%d","object":"chat.completion","created":1795247064,"model":"gpt-4.1-nano",'
            '"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Hi"}}],"usage":'
            '{"prompt_tokens":1000,"completion_tokens":250,"total_tokens":1250,"cost_nano_usd":%s}}'
            % (next(NUMBERS), cost))


def gateway_with(sim, unit="nano_usd", path="usage.cost_nano_usd", **more):
    return Gateway(sim, {"upstreams": [sim.upstream(dialect="openai", cost_path=path, cost_unit=unit)], **more})


with Sim() as sim:
    # The simulator's own member, in billionths of a dollar.
    with gateway_with(sim) as gateway:
        member = {"cost_member": "cost_nano_usd"}
        counts = {"prompt_tokens": 1003, "completion_tokens": 257}
        answers = [gateway.chat(sim_text({**member, **counts}), model=UPSTREAM_MODEL),
                   gateway.chat(sim_text({**member, **counts}), model=UPSTREAM_MODEL, stream=True,
                                stream_options={"include_usage": True}),
                   gateway.chat(sim_text({**member, **counts}), model=UPSTREAM_MODEL, stream=True),
                   gateway.chat(sim_text({**member, **counts, "billed": "0.0009"}), model=UPSTREAM_MODEL),
                   gateway.chat(sim_text(counts), model=UPSTREAM_MODEL)]
        equal([answer.status for answer in answers], [200] * 5)
        rows = gateway.rows_of(answers, settled=True)
        calls = sim.calls()
        for number, row in enumerate(rows[:3]):
            equal((row["verdict"], row["billed_usd"], row["booked_usd"], row["difference_usd"]),
                  ("matched", calls[number]["cost"], calls[number]["cost"], "0"), f"{number}: {row}")
        equal((rows[3]["verdict"], rows[3]["billed_usd"], rows[3]["market_usd"]), ("over", "0.0009", ""))
        equal((rows[4]["verdict"], rows[4]["billed_usd"], rows[4]["booked_usd"]),
              ("unreported", "", rows[4]["estimated_usd"]), "not told")
        equal([one["from"] for one in gateway.explain(answers[0])["observations"]], ["configured"])
        hit = [gateway.chat(sim_text({**member, **counts}, "hit"), model=UPSTREAM_MODEL, cache=True)
               for _ in range(2)]
        equal(hit[1].cache(), "HIT")
        equal(gateway.rows_of_id(hit[1].headers["x-generation-id"])["saved_usd"], calls[0]["cost"])

    # Units, spellings, places.
    cases = [("usage.cost_nano_usd", unit, raw(format(Decimal("0.0002") * factor, "f")), "0.0002")
             for unit, factor in UNITS.items()]
    cases += [
        ("usage.cost_nano_usd", "nano_usd", raw('"200000"'), "0.0002"),
        ("usage.cost_nano_usd", "nano_usd", raw("2e5"), "0.0002"),
        ("usage.cost_nano_usd", "nano_usd", raw("200000.123456"), "0.000200000123456"),
        ("usage.cost_nano_usd", "usd", raw("2E-4"), "0.0002"),
        ("usage.cost_nano_usd", "nano_usd", raw("0"), "0"),
        ("usage.cost_nano_usd", "nano_usd", raw("null"), None),
        ("usage.cost_nano_usd", "nano_usd", raw('"cheap"'), None),
        ("usage.cost_nano_usd", "nano_usd", raw("true"), None),
        ("usage.cost_nano_usd", "nano_usd", raw("[200000]"), None),
        ("usage.cost_nano_usd", "nano_usd", raw("{\"a\":1}"), None),
        ("usage.another", "nano_usd", raw("200000"), None),
        ("usage.cost_nano_usd", "usd", raw("1e40"), None),
    ]
    wrong = []
    for path, unit in dict.fromkeys(case[:2] for case in cases):
        mine = [case for case in cases if case[:2] == (path, unit)]
        with gateway_with(sim, unit, path) as gateway:
            sim.script(*({"raw": case[2]} for case in mine))
            rows = gateway.rows_of([gateway.chat(f"{number}", model=UPSTREAM_MODEL)
                                    for number in range(len(mine))], settled=True)
            for row, (_, _, body, wanted) in zip(rows, mine):
                if (row["status"], row["billed_usd"] or None) != ("200", wanted) or (
                        wanted is None and row["verdict"] != "unreported"):
                    wrong.append((path, unit, body[-60:], row["verdict"], row["billed_usd"], wanted))
    equal(wrong, [])

for bad in ({"cost_path": "usage..x"}, {"cost_path": "."}, {"cost_path": "a.b.c.d.e.f.g.h.i"}, {"cost_unit": "cents"},
            {"cost_path": ""}):
    code, out, err = tollgate("check", "-c", write_config({"upstreams": [{
        "name": "x", "dialect": "openai", "base_url": "http://127.0.0.1:1/v1", **bad}]}))
    check(code == 1 and "cost_" in err, f"{bad}: {code} {err}")
