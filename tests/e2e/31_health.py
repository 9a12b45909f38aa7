"""Health on three paths, without a key, on every protocol; it is no ledger row.

parity: self-hosted
"""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    for path in "/health", "/v1/health", "/api/v1/health":
        for arguments in [], ["--http2-prior-knowledge"]:
            equal(gateway.curl(*arguments, path=path).status, 200, path)
        equal(gateway.request("GET", path + "?probe=1").status, 200, "with a query")
        wrong = gateway.request("POST", path, b"{}")
        equal(wrong.status, 405, f"POST {path}")
        check("GET" in wrong.headers["allow"], "Allow tells")
    equal(gateway.rows(), [])
    equal(sim.posts(), 0)
