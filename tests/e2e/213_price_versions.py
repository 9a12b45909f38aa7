"""A second list is imported between requests: what came before keeps its estimate, its rates and its hash, what
comes after is rated by the new version; a model that no list has is unpriced in both; rerate changes nothing.

parity: pricing-versions
"""
from harness import *

USE = {"prompt_tokens": 1000, "completion_tokens": 250}
UNLISTED = "zai/glm-5.3"


def listing(**prices):
    """Vercel's list of models."""
    return json.dumps({"object": "list", "data": [
        {"id": name, "object": "model", "type": "language",
         "pricing": {"input": each[0], "output": each[1]}} for name, each in prices.items()]})


def import_list(directory, name, text, *more):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    code, _, err = tollgate("prices", "import", "vercel", path, "-o", os.path.join(directory, "own.json"), *more)
    equal(code, 0, err)
    with open(os.path.join(directory, "own.json"), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def stories(gateway, answers):
    return [gateway.explain(answer) for answer in answers]


directory = folder()
config = {"prices": {"file": os.path.join(directory, "own.json")}}
# The simulator charges MODEL 0.0000001 and 0.0000004: 0.0002.
first_hash = import_list(directory, "one", listing(**{MODEL: ("0.0000001", "0.0000004")}), "--from", "2026-01-01")
with Sim() as sim:
    first = Gateway(sim, config)
    answers = [first.chat(sim_text(USE, "1")), first.chat(sim_text(USE, "2"), model=UNLISTED)]
    first.settled_rows(2)
    before = stories(first, answers)
    equal([one["verdict"] for one in before], ["matched", "unpriced"])
    equal([one["pricing"] and one["pricing"]["price_table"] for one in before][0], first_hash)
    exported = first.rows()
    equal(first.stop(), 0)

    # The same list again makes no version; another price does, from now on.
    equal(import_list(directory, "one", listing(**{MODEL: ("0.0000001", "0.0000004")})), first_hash, "no change")
    second_hash = import_list(directory, "two", listing(**{MODEL: ("0.0000002", "0.0000004")}))
    check(second_hash != first_hash, "another table")
    shown = [tollgate("prices", "show", config["prices"]["file"], MODEL, "--at", at)[1]
             for at in ("2026-02-01", "2099-01-01")]
    check("0.0000001" in shown[0] and "0.0000002" in shown[1] and "0.0000002" not in shown[0], str(shown))

    with Gateway(sim, config, data=first.data) as second:
        equal(second.rows(), exported, "rows that were")
        equal(stories(second, answers), before, "their stories")
        later = [second.chat(sim_text(USE, "3")), second.chat(sim_text(USE, "4"), model=UNLISTED)]
        second.settled_rows(4)
        after = stories(second, later)
        equal([one["verdict"] for one in after], ["under", "unpriced"])
        equal((after[0]["pricing"]["price_table"], after[0]["estimated_usd"]), (second_hash, "0.0003"))
        equal((after[0]["cause"], after[0]["difference_usd"]), ("price-version", "-0.0001"))
        equal(after[1]["estimated_usd"], None, "unknown, never free")
        check(after[1]["booked_usd"] not in (None, "0"), "and booked at what it cost")
        equal(stories(second, answers), before, "their stories, still")
        coverage = second.report()["coverage"]
        equal((coverage["paid_requests"], coverage["estimated_requests"], coverage["percent"]), (4, 2, "50.00"))
        equal([one["model"] for one in second.report()["without_estimate"]], [UNLISTED])

        # What would it have cost? Nothing changes by asking.
        rows = second.rows()
        other = os.path.join(directory, "other.json")
        with open(other, "w", encoding="utf-8") as file:
            file.write(price_file(MODEL, {"input": "0.000001", "output": "0.000004"},
                                  **{UNLISTED: {"input": "0.000001", "output": "0.000004"}}))
        code, out, err = tollgate("rerate", "-c", second.config, "--month", this_month(), "--prices", other, "--json")
        equal(code, 0, err)
        check("0.004" in out, out)
        equal(second.rows(), rows, "rerate changed a row")
