"""Generation records that come late, after errors, with another cost, under a wrong id, or never: each row
ends where its last truth puts it, keeps every observation, and is the same after kill -9 and restart."""
from harness import *

COUNTS = {"prompt_tokens": 1000, "completion_tokens": 250}  # 0.0002
# What, behaviour, what becomes of it with Vercel, which tells list prices, and with OpenRouter: the verdict
# in the end, what was billed, versions.
CASES = {
    "late": ({"no_cost": True, "generation": 3000}, ("matched", "0.0002", 0), ("matched", "0.0002", 0)),
    "errors first": ({"no_cost": True, "record_errors": 2}, ("matched", "0.0002", 0),
                     ("matched", "0.0002", 0)),
    # It is the list price that is compared.
    "another cost": ({"no_cost": True, "record_cost": "0.0005"}, ("matched", "0.0005", 0),
                     ("over", "0.0005", 0)),
    "inline was wrong": ({"market": "0.0009", "billed": "0.0009", "record_cost": "0.0002"},
                         ("over", "0.0002", 1), ("matched", "0.0002", 1)),
    "inline is confirmed": ({"market": "0.0009", "billed": "0.0009"}, ("over", "0.0009", 0),
                            ("over", "0.0009", 0)),
    "never": ({"no_cost": True, "generation": "never"}, ("pending", "", 0), ("pending", "", 0)),
    "wrong id": ({"no_cost": True, "record_wrong_id": True, "record_cost": "0.0077"}, ("pending", "", 0),
                 ("pending", "", 0)),
}
INLINE = ("inline was wrong", "inline is confirmed")


def state(gateway, answers):
    """What explain says of each, as far as it is to last."""
    stories = [gateway.explain(answer) for answer in answers.values()]
    return {name: (story["verdict"], story["billed_usd"] or "", story["version"],
                   {one["from"] for one in story["observations"]})
            for name, story in zip(answers, stories)}


def run(sim, dialect, inline, place):
    def gateway(data=None):
        return Gateway(sim, data=data, own_key=OWN_KEY, dialect=dialect)

    wanted = {name: (*case[place], (inline if name in INLINE else set()) |
                     (set() if name in ("never", "wrong id") else {"generation"}))
              for name, case in CASES.items()}
    first = gateway()
    answers = {name: first.chat(sim_text({**COUNTS, **case[0]}, name), stream=number % 2 == 1)
               for number, (name, case) in enumerate(CASES.items())}
    equal({answer.status for answer in answers.values()}, {200})
    first_rows = {row["id"]: row for row in first.wait_rows(len(CASES))}
    for name in set(CASES) - set(INLINE):
        row = first_rows[answers[name].headers["x-generation-id"]]
        if row["verdict"] == "pending":
            equal((row["billed_usd"], row["booked_usd"]), ("", "0.0002"), f"{name}: booked at the estimate")
    with contextlib.suppress(AssertionError):
        wait_for(lambda: state(first, answers) == wanted, "all rows", 20)
    equal(state(first, answers), wanted, dialect)
    rows = {row["id"]: row for row in first.rows()}
    equal(len(rows), len(CASES), "no new rows")
    for identity, row in rows.items():
        equal(row["created_at"], first_rows[identity]["created_at"], "it stays where it was")
    story = first.explain(answers["inline was wrong"])
    told = {one["from"]: one["billed_usd"] for one in story["observations"]}
    equal(told, {**dict.fromkeys(inline, "0.0009"), "generation": "0.0002"}, "nothing is overwritten")
    equal((story["booked_usd"], story["difference_usd"]), ("0.0002", ("0.0007", "0")[place - 1]))
    equal(first.report()["verdicts"]["pending"]["requests"], 2)

    first.kill()
    second = gateway(first.data)
    equal(state(second, answers), wanted, "after kill -9")
    asked = sim.stats()["generations"]
    wait_for(lambda: sim.stats()["generations"] >= asked + 2, "the two that are pending to be asked for")
    equal(state(second, answers), wanted, "asked again, nothing new")
    equal(second.rows(), list(rows.values()), "the same rows")
    equal(second.stop(), 0)
    with gateway(first.data) as third:
        equal(state(third, answers), wanted, "after a restart")
        equal(third.rows(), list(rows.values()))
        equal(sim.posts(), len(CASES), "nothing was sent twice")


with Sim() as one, Sim() as two:
    in_parallel(2, lambda i: run(*((one, "vercel", {"metadata", "usage"}, 1),
                                   (two, "openrouter", {"usage"}, 2))[i]))
