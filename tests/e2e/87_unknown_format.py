"""Databases and journals of a version nobody knows are refused, and nothing in them is changed."""
from harness import *

with Sim() as sim:
    first = Gateway(sim)
    equal(first.chat("hello", cache=True).status, 200)
    equal(first.stop(), 0)
    rows = first.rows()
    journals = [os.path.join(where, name) for where, _, names in os.walk(first.data)
                for name in names if "journal" in os.path.join(where, name)]
    check(journals, "a memory-mapped journal per worker")
    for path in journals:
        with open(path, "rb") as file:
            good = file.read()
        with open(path, "wb") as file:
            file.write(b"\xff" * 64 + good[64:])
        with open(first.config, encoding="utf-8") as file:
            code, out, err = tollgate("serve", "-c", write_config(json.load(file)))
        equal(code, 1, f"a broken {os.path.basename(path)}: {err}")
        check(os.path.basename(path) in err and "Sanitizer" not in err, err)
        check("listening" not in out, "it never listened")
        with open(path, "wb") as file:
            file.write(good)
    with Gateway(sim, data=first.data) as again:
        equal(again.rows(), rows, "the ledger")
        equal(again.chat("hello", cache=True).cache(), "HIT")
