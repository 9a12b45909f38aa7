"""tollgate keys: a key that is shown once, clients as a table, the key that signs months."""
from harness import *

FIRST = 'upstreams:\n  - { name: sim, dialect: vercel, base_url: "http://127.0.0.1:1/v1", api_key_env: K }\n'
PRICED = FIRST + f"prices: {{ file: {PRICES} }}\n"

# A key, and lines that are a configuration.
keys, clients = set(), "clients:\n"
for name in "support-bot", "nightly_evals", "x":
    code, out, err = tollgate("keys", "new", name)
    equal(code, 0, err)
    key, empty, *lines = out.splitlines()
    check(re.fullmatch(r"tg_[0-9A-Za-z]{43}", key), key)
    equal(empty, "")
    check(f"key_hash: sha256:{hashlib.sha256(key.encode()).hexdigest()}" in lines[-1], out)
    check(key not in "".join(lines) and err == "", out + err)
    keys.add(key)
    clients += "\n".join(lines) + "\n"
equal(len(keys), 3, "different keys")

path = write_config(PRICED + clients + """    project: Läden
    models: [anthropic/*, openai/gpt-5*]
    requests_per_minute: 600
    budget_per_day: 2.50
    budget_per_month: 1000000000
    zdr: on
""")
code, out, err = tollgate("check", "-c", path)
equal(code, 0, err)
check("# clients: 3; with a budget 1, a rate 1, their own list of models 1, zdr 1" in out, out)
for arguments in [], ["--spent"]:
    code, out, err = tollgate("keys", "list", "-c", path, *arguments)
    equal(code, 0, err)
    title, *lines = out.splitlines()
    equal([line.split()[0] for line in lines], ["support-bot", "nightly_evals", "x"])
    for word in "Läden", "2.5", "1000000000", "600", "anthropic/*,openai/gpt-5*":
        check(word in lines[2] and word not in lines[0], out)
    equal(("0 of 2.5" in lines[2]), bool(arguments), out)
    check(not any(key in out + err for key in keys), "a key")
code, out, err = tollgate("keys", "list", "-c", write_config(FIRST))
check(code == 0 and out.startswith("# no clients"), out + err)

# The signing key is made once, for its owner's eyes only.
home = os.path.dirname(path)
code, public, err = tollgate("keys", "signing", "-c", path)
equal(code, 0, err)
check(re.fullmatch(r"[0-9a-f]{64}\n", public), public)
secret_path = os.path.join(home, "data", "signing-key")
check(secret_path in err, err)
equal(os.stat(secret_path).st_mode & 0o777, 0o600, "mode of the signing key")
with open(secret_path, encoding="ascii") as file:
    secret = file.read()
check(secret.strip() not in public + err, "the secret is shown")
equal(tollgate("keys", "signing", "-c", path), (0, public, ""), "the same key again")
with open(secret_path, encoding="ascii") as file:
    equal(file.read(), secret, "unchanged")
with open(secret_path, "w", encoding="ascii") as file:
    file.write("nonsense")
code, out, err = tollgate("keys", "signing", "-c", path)
equal((code, out), (1, ""), "a broken signing key")
check(secret_path in err, err)

for arguments in ([], ["new"], ["new", "Bad Name"], ["new", ""], ["new", "a" * 33], ["new", "a", "b"],
                  ["new", "a", "-c", path], ["list"], ["list", "more", "-c", path], ["signing"],
                  ["signing", "--spent", "-c", path], ["old", "-c", path], ["--what"]):
    code, out, err = tollgate("keys", *arguments)
    equal((code, out), (2, ""), f"misuse: {arguments}")
    check(err != "" and "Sanitizer" not in err, err)
code, out, _ = tollgate("keys", "--help")
check(code == 0 and "keys signing" in out, out)
equal(tollgate("keys", "list", "-c", "/nonexistent.yaml")[0], 1, "an unreadable file")
