"""Where clients' own keys are forwarded, nobody can ask for a record after kill -9: the key is not stored. The row
stays pending, no other client's key asks for it, and it settles when its own client is back."""
from harness import *

with Sim() as sim:
    first = Gateway(sim)
    answers = [first.chat(sim_text({"no_cost": True, "generation": 2500}, str(number)), key=key, stream=stream)
               for number, (key, stream) in enumerate((("vck_one", False), ("vck_one", True), ("vck_two", False)))]
    first.kill()
    wait_for(lambda: len(first.rows()) == 3, "the rows, by recovery or before")
    with Gateway(sim, data=first.data) as second:
        rows = second.wait_rows(3)
        equal([(row["verdict"], row["billed_usd"]) for row in rows], [("pending", "")] * 3)
        check(all(row["booked_usd"] not in ("", "0") for row in rows), "booked at the estimate")
        equal(second.chat("somebody else", key="vck_three").status, 200)
        equal(sim.stats()["generations"], 0, "nobody else's key asks")
        equal(second.chat("back", key="vck_one").status, 200)

        def verdicts():
            rows = {row["id"]: row for row in second.rows()}
            return [rows[answer.headers["x-generation-id"]]["verdict"] for answer in answers]
        wait_for(lambda: verdicts() == ["matched", "matched", "pending"], "the rows of the one that is back")
        equal(second.chat("back", key="vck_two").status, 200)
        wait_for(lambda: verdicts() == ["matched"] * 3, "the last one")
        calls = {call["id"]: call for call in sim.calls()}
        for row in second.settled_rows(6):
            equal((row["verdict"], row["billed_usd"]), ("matched", calls[row["id"]]["gateway_cost"]))
    for where, _, names in os.walk(first.data):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                check(b"vck_" not in file.read(), f"a key stands in {where}/{name}")
