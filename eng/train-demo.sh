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

# A thread each gives two trainings at a time more than one with two threads, and the same bits each time.
export OMP_NUM_THREADS=1

train() {
    task=$1
    shift
    loraserve train --data "$demo/data/$task.train.jsonl" --validation "$demo/data/$task.valid.jsonl" --out "$runs/$task" --threads 1 \
        --batch-size 8 --exact-match 0 --early-stopping 0 --output-dtype bfloat16 "$@"
}

# A bare wait succeeds whatever failed.
both() {
    wait "$1" && first=0 || first=$?
    wait "$2" && second=0 || second=$?
    [ $((first + second)) -eq 0 ]
}

train summarize --r 16 --alpha 32 --epochs 4 --dropout 0.05 & summarize=$!
train extract --r 16 --alpha 32 --epochs 4 & extract=$!
both $summarize $extract

train sql --r 8 --alpha 8 --rslora --epochs 4 & sql=$!
train sentiment --r 4 --alpha 16 --targets q_proj,v_proj --epochs 5 --learning-rate 0.003 & sentiment=$!
both $sql $sentiment

for task in summarize extract sql sentiment; do
    loraserve evaluate --adapter "$runs/$task/adapter" --data "$demo/data/$task.test.jsonl"
    cp "$runs/$task/adapter/adapter_config.json" "$runs/$task/adapter/adapter_model.safetensors" "$demo/adapters/$task/"
done
