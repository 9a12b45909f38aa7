"""Read endpoints take GET and HEAD: a HEAD has its GET's headers and no body; any other method is 405 with
Allow, in the envelope of the path; nothing of it makes a row.

parity: model-catalogue, key-and-credits
"""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    identity = gateway.chat("x").headers["x-generation-id"]
    wait_for(lambda: gateway.get("/v1/models").status == 200, "the catalogue")
    wait_for(lambda: gateway.get(f"/v1/generations?id={identity}").status == 200, "the row")
    day = time.strftime("%Y-%m-%d", time.gmtime())
    auth = {"Authorization": f"Bearer {KEY}"}
    paths = ["models", f"generation?id={identity}", f"generations?id={identity}", "key", "credits",
             "activity", "providers", "models/count", "embeddings/models",
             f"report?start_date={day}&end_date={day}"]
    for base, model in ("/v1", "zai/glm-4.6"), ("/api/v1", "z-ai/glm-4.6"):
        for path in paths + [f"models/{model}", f"models/{model}/endpoints"]:
            where = f"{base}/{path}"
            got, head = (gateway.request(method, where, None, auth) for method in ("GET", "HEAD"))
            equal((got.status, head.status, head.body), (200, 200, b""), f"{where}: {got.body[:200]}")
            check(got.headers["content-type"].startswith("application/json"), where)
            json.loads(got.body)
            for name in "content-type", "content-length", "cache-control":
                equal(head.headers.get(name), got.headers.get(name), f"{where}: {name}")
            for method in "PUT", "PATCH", "DELETE", "POST":
                if (method, path) == ("POST", "models"):
                    continue
                wrong = gateway.request(method, where, b"{}" if method != "DELETE" else None, auth)
                equal(wrong.status, 405, f"{method} {where}: {wrong.body}")
                check({"GET", "HEAD"} <= set(wrong.headers["allow"].replace(" ", "").split(",")),
                      f"{where}: {wrong.headers}")
                error = wrong.json()["error"]
                equal(error.get("code") if base == "/api/v1" else bool(error["type"]),
                      405 if base == "/api/v1" else True, where)
    for path in "/v1/modelsx", "/api/v1/generation/x", "/v1/reports", "/api/v1/keyz":
        equal(gateway.request("GET", path, None, auth).status, 404, path)
    equal((len(gateway.wait_rows(1)), sim.posts()), (1, 1))
