"""A second gateway on the same data_dir is refused; the first goes on undisturbed."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    equal(gateway.chat("before", cache=True).status, 200)
    with open(gateway.config, encoding="utf-8") as file:
        settings = json.load(file)
    code, out, err = tollgate("serve", "-c", write_config(settings))
    equal(code, 1, err)
    check(gateway.data in err and "Sanitizer" not in err, f"an error that tells: {err}")
    check("listening" not in out, "it never listened")
    equal(gateway.chat("before", cache=True).cache(), "HIT")
    equal(len(gateway.wait_rows(2)), 2)
