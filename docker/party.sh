#!/bin/sh
# One party of a network: makes its keys in a folder of its own on the first start, tells the others only its public keys,
# waits for the chain spec, and runs. Usage: party.sh NAME ROLE [ARGS…], ROLE is genesis, validator, worker, evaluator or client.
set -eu
name=$1
role=$2
shift 2
DATA=${DATA:-/data}                  # private to this party
NETWORK=${NETWORK:-/network}         # public files only: public keys and the chain spec
BOOTSTRAP_HOST=${BOOTSTRAP_HOST:-/dns4/validator-0}
RPC=${FEDAI_RPC:-http://validator-0:8545}
export FEDAI_PASSWORD="${FEDAI_PASSWORD:?set FEDAI_PASSWORD: it encrypts the keys on disk}"
fedai="node cli/fedai.js"

wait_for() {
  until [ -s "$1" ]; do sleep 1; done
}

if [ "$role" = genesis ]; then
  [ -s "$NETWORK/chain.json" ] && exit 0
  validators='' balances=''
  for party in "$@"; do
    wait_for "$NETWORK/$party.json"
    address=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).address' "$NETWORK/$party.json")
    balances="$balances $address=10000"
    case $party in validator-*) validators="$validators $NETWORK/$party.json" ;; esac
  done
  # shellcheck disable=SC2086 # lists of words
  $fedai chain spec --name fedai-compose --chain-id 1338 --draw-delay 2 \
    --validator $validators --balance $balances --output "$NETWORK/chain.json.new"
  mv "$NETWORK/chain.json.new" "$NETWORK/chain.json"
  exit 0
fi

[ -d "$DATA/keys" ] || $fedai key new --data-dir "$DATA" > /dev/null
cp "$DATA/keys/public.json" "$NETWORK/$name.json.new"
mv "$NETWORK/$name.json.new" "$NETWORK/$name.json"
wait_for "$NETWORK/chain.json"
wait_for "$NETWORK/validator-0.json"
first=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).peerId' "$NETWORK/validator-0.json")
bootstrap="$BOOTSTRAP_HOST/tcp/4001/p2p/$first"
common="--chain-spec $NETWORK/chain.json --data-dir $DATA"

case $role in
  validator)
    [ "$name" = validator-0 ] || set -- --bootstrap "$bootstrap" "$@"
    exec $fedai chain run $common --validator --rpc-host 0.0.0.0 --listen /ip4/0.0.0.0/tcp/4001 "$@"
    ;;
  worker | evaluator)
    exec $fedai "$role" run $common --rpc "$RPC" --bootstrap "$bootstrap" "$@"
    ;;
  client)
    manifest() {
      node -p 'require("fs").readFileSync(0, "utf8").trim().split("\n").map(JSON.parse)
        .find(({ event, set }) => event === "dataset" && set === process.argv[1]).manifest' "$1" < "$DATA/import.jsonl"
    }
    [ -s "$DATA/import.jsonl" ] || $fedai data import demo --data-dir "$DATA" --licence MIT --json > "$DATA/import.jsonl"
    exec $fedai job post docs/examples/demo-job.json $common --rpc "$RPC" --bootstrap "$bootstrap" \
      --train "$(manifest train)" --test "$(manifest test)" "$@"
    ;;
  *)
    echo "unknown role $role" >&2
    exit 2
    ;;
esac
