#!/usr/bin/env python3
"""DPO, KTO and reward models beside TRL on the CPU: the same model, adapter, data and order of batches.

Usage: docs/benchmarks/preferences.py [--data FILE] [--tokenizer FILE] [--steps N] [dpo|kto|reward ...]

Needs a Python with torch, transformers, peft and trl, and sparktune: SPARKTUNE is the command that starts it, in words separated by
blanks (default: spark-submit/sparktune of this checkout). FILE holds ShareGPT preference pairs; by default both files are those beside
the checkout. Makes a Qwen2 model of 22 million random weights, cuts prompts and completions to 96 tokens, and trains a LoRA adapter
of rank 16 in fp32 for N steps (default 16) of four pairs (KTO: eight completions) without dropout, clipping at 1. TRL goes first and leaves the
adapter that it starts from; ours starts from the same one.

Prints a Markdown table: the largest distance between the two losses of a step, median seconds of a step after the fourth, and peak
memory of each process. Leave the machine alone meanwhile.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "assets"
THREADS = 2
WARM_UP = 4
LONGEST = 96
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
BATCH = {"dpo": 4, "kto": 8, "reward": 4}
LEARNING_RATE = {"dpo": 2e-4, "kto": 2e-4, "reward": 2e-4}


def write_model(folder, tokenizer):
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=32000,
        hidden_size=384,
        intermediate_size=1152,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    shutil.copyfile(tokenizer, folder / "tokenizer.json")


def write_data(folder, data, tokenizer, count):
    from tokenizers import Tokenizer

    encoder = Tokenizer.from_file(str(tokenizer))
    pairs, judged = [], []
    for record in json.loads(pathlib.Path(data).read_text()):
        prompt, chosen, rejected = (
            encoder.encode(text).ids[:LONGEST]
            for text in (record["conversations"][-1]["value"], record["chosen"]["value"], record["rejected"]["value"])
        )
        if not chosen or not rejected or chosen == rejected:
            continue
        good = len(pairs) % 2 == 0
        judged.append({"prompt_ids": prompt, "completion_ids": chosen if good else rejected, "label": good})
        pairs.append({"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected})
    if len(pairs) < count:
        sys.exit(f"{data} holds {len(pairs)} pairs where {count} are needed; give fewer --steps.")
    for name, records in (("pairs", pairs), ("judged", judged)):
        lines = "".join(json.dumps(record) + "\n" for record in records[:count])
        (folder / f"{name}.jsonl").write_text(lines)


def peer(objective, folder, steps):
    """Trains with TRL; prints a line of JSON."""
    import torch
    import trl
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedTokenizerFast, TrainerCallback

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    times = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_, **__):
            self.start = time.perf_counter()

        def on_step_end(self, *_, **__):
            times.append(time.perf_counter() - self.start)

    name = "judged" if objective == "kto" else "pairs"
    records = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    size = BATCH[objective]
    if objective == "kto":  # what its own preparation adds
        for start in range(0, len(records), size):
            part = records[start : start + size]
            for i, record in enumerate(part):
                record["KL_completion_ids"] = part[i - 1]["completion_ids"]
    if objective == "reward":
        records = [{f"{side}_ids": r["prompt_ids"] + r[f"{side}_ids"] for side in ("chosen", "rejected")} for r in records]
    options = dict(
        output_dir=str(folder / "trl"),
        per_device_train_batch_size=size,
        max_steps=steps,
        learning_rate=LEARNING_RATE[objective],
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        weight_decay=0.0,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        disable_dropout=True,
        max_length=1024,
        train_sampling_strategy="sequential",
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "model/tokenizer.json"), pad_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    kind = "SEQ_CLS" if objective == "reward" else "CAUSAL_LM"
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.0,
        target_modules=TARGETS,
        task_type=kind,
        modules_to_save=["score"] if objective == "reward" else None,
    )
    if objective == "reward":
        model = AutoModelForSequenceClassification.from_pretrained(folder / "model", num_labels=1, dtype=torch.float32)
        torch.nn.init.zeros_(model.score.weight)
        config, trainer_type = trl.RewardConfig(**options), trl.RewardTrainer
    else:
        model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32)
        config, trainer_type = (
            (trl.DPOConfig(**options), trl.DPOTrainer) if objective == "dpo" else (trl.KTOConfig(**options), trl.KTOTrainer)
        )

    class Prepared(trainer_type):
        def _prepare_dataset(self, dataset, *_, **__):
            return dataset  # the data are ids already

    trainer = Prepared(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(records),
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=[Clock()],
    )
    trainer.model.save_pretrained(folder / f"start-{objective}")
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"losses": losses, "seconds": times, "gib": peak}))


SPEC = """\
name: preferences
output: ours-{objective}
base_model: model
tasks:
  - name: trained
    task_type: {task}
    dataset:
      sources: [{data}.jsonl]
      sequence_length: 512
      packing: false
      shuffle: false
    init_adapter: start-{objective}
    hyperparams:
      max_steps: {steps}
      batch_size: {batch}
      learning_rate: {rate}
      schedule: constant
      warmup_steps: 0
      precision: fp32
      weight_decay: 0.0
      max_grad_norm: 1.0
      log_every: 1
      engine: cpu
      {options}
"""


def ours(objective, folder, steps, command):
    """Trains with sparktune, in a process of its own."""
    spec = SPEC.format(
        objective=objective,
        task="reward_model" if objective == "reward" else "dpo",
        data="judged" if objective == "kto" else "pairs",
        steps=steps,
        batch=BATCH[objective],
        rate=f"{LEARNING_RATE[objective]:.4e}",
        options="dpo: {loss: kto}" if objective == "kto" else "seed: 1",
    )
    (folder / f"{objective}.yaml").write_text(spec)
    log = folder / f"ours-{objective}.log"
    with open(log, "wb") as file:
        process = subprocess.Popen([*command, "train", f"{objective}.yaml"], cwd=folder, stdout=file, stderr=file)
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(log.read_text()[-4000:])
    lines = [json.loads(line) for line in (folder / f"ours-{objective}/trained/metrics.jsonl").read_text().splitlines()]
    lines = [line for line in lines if "loss" in line]
    tokens = [line["tokens"] for line in lines]
    deltas = [after - before for before, after in zip([0, *tokens], tokens)]
    seconds = [delta / line["tokens_per_s"] for delta, line in zip(deltas, lines)]
    return {"losses": [line["loss"] for line in lines], "seconds": seconds, "gib": usage.ru_maxrss / 2**20}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objectives", nargs="*", metavar="dpo|kto|reward", default=[])
    parser.add_argument("--data", default=SHARED / "data/instruction-and-preference/dpo_en_demo.json")
    parser.add_argument("--tokenizer", default=SHARED / "tokenizers/llama2/tokenizer.json")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return peer(arguments.objectives[0], pathlib.Path(arguments.peer), arguments.steps)
    command = os.environ.get("SPARKTUNE", str(ROOT / "spark-submit/sparktune")).split()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_model(folder / "model", arguments.tokenizer)
        write_data(folder, arguments.data, arguments.tokenizer, arguments.steps * max(BATCH.values()))
        print("| | loss, first and last step | largest distance | sparktune s/step | TRL s/step | sparktune GiB | TRL GiB |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for objective in arguments.objectives or list(BATCH):
            words = [sys.executable, __file__, "--peer", name, "--steps", str(arguments.steps), objective]
            run = subprocess.run(words, capture_output=True, text=True, check=False)
            if run.returncode != 0:
                sys.exit(run.stderr[-4000:])
            theirs = json.loads(run.stdout.strip().splitlines()[-1])
            mine = ours(objective, folder, arguments.steps, command)
            distance = max(abs(a - b) for a, b in zip(mine["losses"], theirs["losses"], strict=True))
            median = [statistics.median(run["seconds"][WARM_UP:]) for run in (mine, theirs)]
            print(
                f"| {objective} | {mine['losses'][0]:.4f}, {mine['losses'][-1]:.4f} | {distance:.1e} "
                f"| {median[0]:.2f} | {median[1]:.2f} | {mine['gib']:.2f} | {theirs['gib']:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
