"""Only POSTs have rows: a GET that a client's limits refuse has none, and one that names no model is not refused for
the model."""
from harness import *

with Sim() as sim, Gateway(sim, {"clients": [client("rate", requests_per_minute=1),
                                             client("models", models=[MODEL])]}, own_key=OWN_KEY) as gateway:
    equal([gateway.get("/v1/files", key="tg_rate").status for _ in range(2)], [200, 429])
    got = gateway.get("/v1/files", key="tg_models").status
    gateway.chat(key="tg_models")
    rows = wait_for(gateway.rows, "a row")
    time.sleep(0.3)
    equal([row["api"] for row in gateway.rows()], ["chat"], "rows of POSTs only")
    equal(got, 200, "it asks for no model")
