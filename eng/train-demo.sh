#!/bin/sh
# Trains the four adapters of the demo model again from src/LoraServe/Demo/data, compares each with its test lines, and puts them in the
# place of those in src/LoraServe/Demo/adapters. Interrupted, it goes on where it was.
#
#   eng/train-demo.sh [folder for checkpoints, logs and loss curves]
set -eu
cd "$(dirname "$0")/.."
runs=${1:-data/demo-training}
demo=src/LoraServe/Demo

dotnet build -c Release src/LoraServe
loraserve() { dotnet run --no-build --project src/LoraServe -c Release -- "$@"; }

train() {
    task=$1
    shift
    loraserve train --data "$demo/data/$task.train.jsonl" --validation "$demo/data/$task.valid.jsonl" --out "$runs/$task" \
        --exact-match 200 --early-stopping 0 --output-dtype bfloat16 "$@"
    loraserve evaluate --adapter "$runs/$task/adapter" --data "$demo/data/$task.test.jsonl"
    cp "$runs/$task/adapter/adapter_config.json" "$runs/$task/adapter/adapter_model.safetensors" "$demo/adapters/$task/"
}

train summarize --r 16 --alpha 32 --epochs 3
train extract --r 16 --alpha 32 --epochs 3
train sql --r 8 --alpha 8 --rslora --epochs 3
train sentiment --r 4 --alpha 16 --targets q_proj,v_proj --epochs 5 --learning-rate 0.005
