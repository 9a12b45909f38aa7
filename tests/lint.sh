#!/usr/bin/env bash
# How the code looks, checked: format, lengths, names that may not be used, clang-tidy.
# With --quick everything but clang-tidy.
set -u
cd "$(dirname "$0")/.."
failed=0
complain() {
    failed=1
    printf '%s\n' "$1"
}

mapfile -t sources < <(git ls-files '*.c' '*.h')

out=$(clang-format --dry-run -Werror "${sources[@]}" 2>&1 | grep 'error:' | cut -d: -f1 | sort | uniq -c)
[ -z "$out" ] || complain "not formatted (./dev format):
$out"

out=$(awk 'length > 100 {print FILENAME ":" FNR ": longer than 100 columns"}' "${sources[@]}")
[ -z "$out" ] || complain "$out"

out=$(wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 600 {print $2 ": " $1 " lines, more than 600"}')
[ -z "$out" ] || complain "$out"

# Unbounded writes, and functions whose callers forget what they do to their input.
mapfile -t shipped < <(git ls-files 'server/*.[ch]' 'cache/*.[ch]' 'accounting/*.[ch]')
out=$(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca)\(' "${shipped[@]}")
[ -z "$out" ] || complain "functions that are not used here:
$out"

out=$(grep -nE '\b(double|float)\b' accounting/*.c accounting/*.h | grep -vE '^[^:]*:[0-9]+: ?\*|/\*')
[ -z "$out" ] || complain "floating point in accounting/:
$out"

out=$(grep -nE '\b(TODO|FIXME|XXX)\b' "${sources[@]}" dev tests/*.sh tests/*.py tests/e2e/*.py | grep -v '^tests/lint.sh')
[ -z "$out" ] || complain "unfinished:
$out"

if [ "${1:-}" != --quick ]; then
    mapfile -t ours < <(git ls-files 'server/*.c' 'cache/*.c' 'accounting/*.c')
    out=$(printf '%s\n' "${ours[@]}" |
        xargs -P "$(nproc)" -n 4 clang-tidy -p build/clang --quiet 2>/dev/null | grep -E 'error:|warning:')
    [ -z "$out" ] || complain "$out"
fi

[ $failed = 0 ] && echo "lint: clean"
exit $failed
