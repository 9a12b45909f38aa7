"""Endless upstreams and readers that stop reading: memory stays bounded, and the calls end with them."""
from harness import *

BUDGET = 16 << 20
SLACK = 48 << 20  # sanitizers, sockets, libcurl
# The sanitizers keep freed memory for a while; that is not what is measured here.
QUIET = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}

with Sim() as sim, Gateway(sim, {"limits": {"buffered": "16MiB"}, "cache": {
        "max_entry": "1MiB", "memory": "4MiB"}}, env=QUIET) as gateway:
    gateway.chat("warm", stream=True)
    sim.reset()
    before = gateway.resident()

    def grown():
        growth = gateway.resident() - before
        check(growth < BUDGET + SLACK, f"memory grew by {growth >> 20} MiB")

    for stream in True, False:
        readers = [gateway.begin(sim_text({"endless": True}, str(number)), stream=stream, cache=True)
                   for number in range(3)]
        for reader in readers:
            response = reader.getresponse()
            equal((response.status, response.getheader("x-openrouter-cache-status")), (200, "MISS"))
            check(len(response.read(3 << 20)) == 3 << 20, "a reader that reads is served")
        end = time.monotonic() + 2.5  # they stop reading now
        while time.monotonic() < end:
            grown()
            time.sleep(0.05)
        equal(gateway.chat("still serving").status, 200)
        for reader in readers:
            leave(reader)
        # What nobody reads and nobody can store is not paid for any longer.
        wait_for(lambda: sim.stats()["live"] == 0, "the endless calls to be cut")
        grown()
