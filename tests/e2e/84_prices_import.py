"""tollgate prices import vercel: a catalogue in, our price file out, decimals unharmed."""
from harness import *

with Sim() as sim, Gateway(sim) as gateway:
    catalogue = os.path.join(gateway.dir, "models.json")
    with open(catalogue, "w", encoding="utf-8") as file:
        file.write(sim._ask("GET", "/v1/models"))
    out = os.path.join(gateway.dir, "prices.json")
    code, _, err = tollgate("prices", "import", "vercel", catalogue, "-o", out)
    equal(code, 0, err)
    with open(out, encoding="utf-8") as new, open(PRICES, encoding="utf-8") as ours:
        imported, known = json.load(new)["models"], json.load(ours)["models"]
    priced = {name for name, prices in known.items() if len(prices[-1]) > 1}
    equal(priced - set(imported), set(), "models that got lost")
    for name in priced:
        for field in "input", "output", "input_cache_read", "input_cache_write":
            old, new = known[name][-1].get(field), imported[name][-1].get(field)
            equal(new, old, f"{field} of {name}")
        equal(imported[name][-1].get("tiers"), known[name][-1].get("tiers"), f"tiers of {name}")
    with Gateway(sim, {"prices": {"file": out}}) as other:
        other.chat("priced by the import")
        equal(other.wait_rows(1)[0]["verdict"], "matched")
    with open(catalogue, "w", encoding="utf-8") as file:
        file.write('{"data": [')
    code, _, err = tollgate("prices", "import", "vercel", catalogue, "-o", out + ".bad")
    equal(code, 1, "a broken catalogue")
    check("models.json" in err and not os.path.exists(out + ".bad"), err)
