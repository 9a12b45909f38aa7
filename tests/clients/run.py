"""Runs one client test file with Node 22 from npm against a gateway and a simulated upstream."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import Gateway, KEY, MODEL, Sim  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))

with Sim() as sim, Gateway(sim) as gateway:
    done = subprocess.run(
        [os.path.join(HERE, "node_modules", "node", "bin", "node"), "--test",
         "--test-reporter=spec", sys.argv[1]], check=False,
        env={**os.environ, "GATEWAY_URL": gateway.url, "GATEWAY_KEY": KEY, "MODEL": MODEL,
             "SIM_URL": f"http://127.0.0.1:{sim.port}"})
    if done.returncode != 0:
        raise SystemExit(done.returncode)
