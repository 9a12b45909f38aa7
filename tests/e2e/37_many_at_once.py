"""Two hundred streams at once over four HTTP/2 connections: each gets its own, whole answer."""
from harness import *

CONNECTIONS, STREAMS = 4, 50

with Sim() as sim, Gateway(sim) as gateway:
    def one(number):
        client = H2(gateway.port)
        asked = [client.post(chat_body(sim_text({"chunks": 4, "gap": 150, "text": f"<{number} {stream}>"}),
                                       stream=True)) for stream in range(STREAMS)]
        answers = [client.answer(stream) for stream in asked]
        client.close()
        return answers
    began = time.monotonic()
    for number, answers in enumerate(in_parallel(CONNECTIONS, one)):
        for stream, answer in enumerate(answers):
            equal((answer.status, answer.events()[-1]), (200, "[DONE]"))
            equal(answer.text(), f"<{number} {stream}>")
    check(time.monotonic() - began < 10, "side by side, not one after the other")
    rows = gateway.wait_rows(CONNECTIONS * STREAMS)
    for row, call in rows_by_call(rows, sim.calls()):
        equal((row["billed_usd"], row["verdict"]), (call["gateway_cost"], "matched"))
