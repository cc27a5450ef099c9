"""Peer of the engine bench: trains fedai-model/1 documents in PyTorch f32 on random digits.

Each line of the input is {"model", "batch", "threads", "seconds"}; the answer is one line with samples/s. Models stay built between lines.
"""
import json
import sys
import time

import torch
from torch import nn


def build(document):
    height, width, channels = document["input"] if len(document["input"]) == 3 else (1, 1, document["input"][0])
    layers, flat = [], len(document["input"]) == 1
    for layer in document["layers"]:
        kind, config = layer["class_name"], layer.get("config", {})
        if kind == "Conv2D":
            size = config["kernel_size"][0]
            pad = size // 2 if config.get("padding", "valid") == "same" else 0
            layers.append(nn.Conv2d(channels, config["filters"], size, padding=pad))
            channels = config["filters"]
            height, width = height + 2 * pad - size + 1, width + 2 * pad - size + 1
        elif kind == "MaxPooling2D":
            pool = config["pool_size"][0]
            layers.append(nn.MaxPool2d(pool))
            height, width = height // pool, width // pool
        elif kind == "Flatten":
            layers.append(nn.Flatten())
            channels, flat = channels * height * width, True
        elif kind == "Dense":
            if not flat:
                raise SystemExit("Dense before Flatten")
            layers.append(nn.Linear(channels, config["units"]))
            channels = config["units"]
        if config.get("activation") == "relu" or kind == "ReLU":
            layers.append(nn.ReLU())
    return nn.Sequential(*layers), channels


def prepare(document, batch):
    torch.manual_seed(1)
    model, classes = build(document)
    shape = document["input"]
    inputs = torch.rand(batch, *([shape[2], shape[0], shape[1]] if len(shape) == 3 else shape))
    labels = torch.randint(0, classes, (batch,))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.875)
    loss_of = nn.CrossEntropyLoss()

    def step():
        optimiser.zero_grad()
        loss_of(model(inputs), labels).backward()
        optimiser.step()

    return step


def main():
    built = {}
    for line in sys.stdin:
        request = json.loads(line)
        batch = request["batch"]
        key = (json.dumps(request["model"]), batch)
        if key not in built:
            built[key] = prepare(request["model"], batch)
        step = built[key]
        torch.set_num_threads(request["threads"])
        for _ in range(2):
            step()
        steps, started, busy = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - started < request["seconds"]:
            step()
            steps += 1
        samples, busy = steps * batch, time.process_time() - busy
        elapsed = time.perf_counter() - started
        print(json.dumps({"perSecond": samples / elapsed, "perProcessorSecond": samples / busy}), flush=True)


main()
