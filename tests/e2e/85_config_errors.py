"""A configuration that is wrong stops the start with file, line and cure."""
from harness import *

UPSTREAM = ('upstreams:\n  - name: sim\n    dialect: vercel\n'
            '    base_url: http://127.0.0.1:1/v1\n')
KEYED = UPSTREAM + '    api_key_env: TOLLGATE_E2E_SET\n'
HASH = "sha256:" + hashlib.sha256(b"a").hexdigest()
OTHER = "sha256:" + hashlib.sha256(b"b").hexdigest()
GOOD = 'listen:\n  - address: 127.0.0.1:0\n' + UPSTREAM

CASES = [  # text, line, words
    (GOOD + "cache:\n  defautl: on\n", 8, "defautl"),
    (GOOD + "colour: blue\n", 7, "colour"),
    (GOOD + "cache: { ttl: soon }\n", 7, "ttl"),
    (GOOD + "cache: { ttl: 0 }\n", 7, "ttl"),
    (GOOD + "cache: { memory: 12junk }\n", 7, "memory"),
    (GOOD + "cache: { default: maybe }\n", 7, "default"),
    (GOOD + "limits: { body: 1 }\n", 7, "body"),
    (GOOD + "workers: -1\n", 7, "workers"),
    (GOOD + "workers: 1\nworkers: 2\n", 8, "workers"),
    (GOOD + "ledger: { tolerance: 5 }\n", 7, "tolerance"),
    (GOOD + "prices: { file: nowhere.json }\n", None, "nowhere.json"),
    (GOOD.replace("vercel", "martian"), 5, "dialect"),
    (GOOD.replace("http://127.0.0.1:1/v1", "ftp://x"), 6, "base_url"),
    (GOOD.replace("http://127.0.0.1:1/v1", "http://gateway.example/v1"), 6, "base_url"),
    (GOOD.replace("127.0.0.1:0", "nonsense"), 2, "address"),
    ("listen:\n  - address: 127.0.0.1:0\n", None, "upstreams"),
    (GOOD + "cache: [unclosed\n", None, ""),
    (GOOD.replace("  - address: 127.0.0.1:0", "  - address: 127.0.0.1:0\n    certificate: c.pem"),
     None, "private_key"),
    (GOOD + "    api_key_env: TOLLGATE_E2E_UNSET\n", 7, "TOLLGATE_E2E_UNSET"),
    (GOOD.replace("127.0.0.1:0", "0.0.0.0:0") + "    api_key_env: TOLLGATE_E2E_SET\n", None,
     "loopback"),
    (GOOD.replace("- address: 127.0.0.1:0", "- address: 127.0.0.1:0\n  - address: \"[::]:0\"")
     + "    api_key_env: TOLLGATE_E2E_SET\n", None, "loopback"),
    (f"{KEYED}clients:\n  - name: a\n", 7, "key_hash"),
    (f"{KEYED}clients:\n  - name: a\n    key_hash: tg_pasted_into_the_wrong_line\n", 8, "key_hash"),
    (f"{KEYED}clients:\n  - name: a\n    key_hash: {HASH}\n  - name: b\n    key_hash: {HASH}\n", 10,
     "key_hash"),
    (f"{KEYED}clients:\n  - name: a\n    key_hash: {HASH}\n  - name: a\n    key_hash: {OTHER}\n", 9,
     "name"),
    (f"{KEYED}clients:\n  - name: a\n    key_hash: {HASH}\n    budget_per_day: 1e3\n", 9, "USD"),
    (f"{KEYED}clients:\n  - name: a\n    key_hash: {HASH}\n    budget_per_day: 5\n", 9, "prices"),
    (f"{KEYED}clients:\n  - name: a\n    key_hash: {HASH}\n    tags: [{'x' * 65}]\n", 9, "64"),
    (f"{UPSTREAM}clients:\n  - name: a\n    key_hash: {HASH}\n", 2, "api_key_env"),
    (GOOD + "    cost_path: a..b\n", 7, "cost_path"),
    (GOOD + "    cost_unit: nano_usd\n", 7, "cost_path"),
    (GOOD + "limits: { detached_cost: -1 }\n", 7, "detached_cost"),
    (GOOD + f"prices: {{ file: {PRICES}, from: [elsewhere] }}\n", 7, "names no upstream"),
    (GOOD + "ledger: { retention: 2y }\n", 7, "months"),
]

for text, line, words in CASES:
    path = write_config(text)
    # A check may run where the secrets are not.
    for command in ("serve",) if "UNSET" in text else ("serve", "check"):
        code, out, err = tollgate(command, "-c", path, env={"TOLLGATE_E2E_SET": "x"})
        what = f"{command} of\n{text}\n{err}"
        equal(code, 1, what)
        check(re.search(re.escape(path) + (rf":{line}:" if line else ""), err), what)
        check(words in err and "Sanitizer" not in err, what)
        check("pasted" not in err, "a key is repeated: " + err)
        check("listening" not in out, what)

path = write_config(GOOD)
code, out, err = tollgate("check", "-c", path)
equal(code, 0, err)
check("ttl" in out and "300" in out, "the effective values")
for arguments in [], ["nonsense"], ["serve"], ["serve", "-c"], ["serve", "--what"]:
    equal(tollgate(*arguments)[0], 2, f"misuse: {arguments}")
for command in "serve", "check", "export", "prices", "keys":
    code, out, _ = tollgate(command, "--help")
    check(code == 0 and command in out, f"{command} --help")
# Off loopback a key of the gateway's own is safe with clients.
path = write_config(f"listen:\n  - address: 0.0.0.0:0\n{KEYED}clients:\n  - name: a\n    key_hash: {HASH}\n")
code, out, err = tollgate("check", "-c", path)
equal(code, 0, err)
check("# clients: 1;" in out and HASH in out, out)
check("/nonexistent.yaml" in tollgate("serve", "-c", "/nonexistent.yaml")[2], "an unreadable file")
